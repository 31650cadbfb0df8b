"""Clear up a graph that torch has traced: constants, leftovers, names."""

from __future__ import annotations

import ast
from collections import Counter

import numpy as np
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
from edgekit_export.passes import editing

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the tracer notes the modules that a node was traced in."""


def tidy_graph(model: ir.Model, stage: ExportStage) -> ir.Model:
    """Return the graph of a stage with its constants folded and with names that do not depend on the tracer."""
    optimizer.fold_constants(model)
    _settle_reshapes(model.graph)
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


def _settle_reshapes(graph: ir.Graph) -> None:
    """Give each Reshape a constant target where only the batch is open.

    A `flatten(1)` comes out as arithmetic on the shape of the image, which no shape inference follows and which
    TensorRT would have to run. Where the batch stays first, 0 says so; elsewhere -1 stands for the open dimension.
    """
    for node in graph:
        shape = node.outputs[0].shape if node.op_type == "Reshape" else None
        source = node.inputs[0].shape if node.inputs and node.inputs[0] is not None else None
        if shape is None or source is None or sum(not isinstance(size, int) for size in shape) != 1:
            continue
        open_size = 0 if not isinstance(shape[0], int) and shape[0] == source[0] else -1
        sizes = [size if isinstance(size, int) else open_size for size in shape]
        target = editing.add_constant(graph, f"{node.outputs[0].name}.target", np.array(sizes, np.int64))
        node.replace_input_with(1, target)
        node.attributes.pop("allowzero", None)


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
