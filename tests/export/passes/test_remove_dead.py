from __future__ import annotations

from onnx import helper

from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.remove_dead import RemoveDead
from tests.export.graphs import make_graph, normal, ops


def test_unused_nodes_and_constants_go():
    model = make_graph(
        [
            helper.make_node("Relu", ["x"], ["y"]),
            helper.make_node("Neg", ["x"], ["unused"]),
            helper.make_node("Add", ["unused", "c"], ["unused2"]),
        ],
        {"x": [1, 3]},
        {"y": [1, 3]},
        {"c": normal(3), "never": normal(2)},
    )
    cleared = run_passes(model, [RemoveDead()], {"x": normal(1, 3)})
    assert ops(cleared) == ["Relu"]
    assert not cleared.graph.initializers
