"""Remove what nothing uses."""

from __future__ import annotations

from typing import ClassVar

import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from edgekit_export.passes.base import EXACT, GraphPass, Tolerance, ensure


class RemoveDead(GraphPass):
    """Nodes without users and initialisers without users leave the graph."""

    name: ClassVar[str] = "remove_dead"
    changes: ClassVar[str] = "Removes nodes and initialisers that no output needs."
    tolerance: ClassVar[Tolerance] = EXACT

    def ensures(self, model: ir.Model) -> None:
        """Every initialiser and every node has a user."""
        graph = model.graph
        unused = [name for name, value in graph.initializers.items() if not _is_used(value)]
        unused += [str(node.name) for node in graph if not any(_is_used(value) for value in node.outputs)]
        ensure(not unused, f"unused: {', '.join(unused)}")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Apply onnx_ir's own removal."""
        model = ir.Model(graph, ir_version=8)
        return bool(RemoveUnusedNodesPass()(model).modified)


def _is_used(value: ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()
