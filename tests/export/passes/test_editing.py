from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.graph_io import infer_shapes
from edgekit_export.passes import editing
from tests.export.graphs import make_graph, normal, run


@pytest.fixture
def model():
    return make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "c"], ["y"])],
        {"x": [1, 3]},
        {"y": [1, 3]},
        {"c": normal(3)},
    )


def test_fresh_names_meet_no_value_node_or_constant(model):
    names = [editing.fresh_name(model.graph, base) for base in ("x", "c", "r", "Relu.r", "new")]
    assert names == ["x_1", "c_1", "r_1", "Relu.r_1", "new"]


def test_constants_are_read_and_other_values_are_not(model):
    relu, add = model.graph
    np.testing.assert_array_equal(editing.read_constant(add.inputs[1]), normal(3))
    assert editing.read_constant(add.inputs[0]) is None
    assert editing.read_constant(relu.inputs[0]) is None
    assert editing.read_constant(None) is None


def test_a_replaced_output_keeps_its_name(model):
    graph = model.graph
    add = list(graph)[1]
    neg = editing.make_node(graph, "Neg", [graph.inputs[0]], "neg")
    graph.insert_after(add, neg)
    editing.replace_value(graph, add.outputs[0], neg.outputs[0])
    graph.remove(add, safe=True)
    model = infer_shapes(model)
    assert list(run(model, x=np.ones((1, 3), np.float32))) == ["y"]
    assert run(model, x=np.ones((1, 3), np.float32))["y"].tolist() == [[-1, -1, -1]]


def test_only_consumer(model):
    relu, add = model.graph
    assert editing.only_consumer(relu.outputs[0]) is add
    assert editing.only_consumer(add.outputs[0]) is None
