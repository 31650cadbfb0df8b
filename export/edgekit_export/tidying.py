"""Clear up a graph that torch has traced: constants, leftovers, names."""

from __future__ import annotations

import ast
from collections import Counter

import onnx_ir as ir
from onnx_ir.passes.common import (
    IdentityEliminationPass,
    LiftConstantsToInitializersPass,
    RemoveUnusedNodesPass,
    RemoveUnusedOpsetsPass,
)
from onnxscript import optimizer

from edgekit_export.exportable import ExportStage
from edgekit_export.graph_io import infer_shapes

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the tracer notes the modules that a node was traced in."""


def tidy_graph(model: ir.Model, stage: ExportStage) -> ir.Model:
    """Return the graph of a stage with its constants folded and with names that do not depend on the tracer."""
    optimizer.fold_constants(model)
    for tidy in (
        LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        IdentityEliminationPass(),
        RemoveUnusedNodesPass(),
        RemoveUnusedOpsetsPass(),
    ):
        tidy(model)
    _rename(model.graph, keep={*stage.inputs, *stage.outputs})
    model.graph.name = stage.name
    return infer_shapes(model)


def _rename(graph: ir.Graph, keep: set[str]) -> None:
    """Name each node after its module, such as encoder1.0.Conv, and its values after the node."""
    # First out of the way, so that no new name meets an old one.
    for node in graph:
        for value in node.outputs:
            if value.name not in keep:
                value.name = f"old.{value.name}"
    seen: Counter[str] = Counter(str(name) for name in graph.initializers)
    for node in graph:
        stem = ".".join(item for item in (_scope(node), node.op_type) if item)
        seen[stem] += 1
        node.name = stem if seen[stem] == 1 else f"{stem}_{seen[stem] - 1}"
        for index, value in enumerate(node.outputs):
            if value.name not in keep:
                value.name = node.name if index == 0 else f"{node.name}.{index}"


def _scope(node: ir.Node) -> str:
    """Return the dotted path of the innermost module that a node was traced in."""
    noted = node.metadata_props.get(_SCOPES)
    if noted is None:
        return ""
    scopes = [str(item) for item in ast.literal_eval(noted)]
    # The last entry is the operation; entries that torch adds on its own start with an underscore.
    modules = [scope for scope in scopes[:-1] if scope and not scope.startswith("_")]
    return modules[-1] if modules else ""
