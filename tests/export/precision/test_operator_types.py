from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.graph_io import infer_shapes
from edgekit_export.precision.operator_types import gives_half, takes_half
from tests.export.graphs import make_graph, normal


def first(node, outputs, **constants):
    model = infer_shapes(make_graph([node], {"x": [1, 2, 4, 4]}, outputs, constants))
    return model.graph[0]


def test_a_resize_takes_its_scales_in_fp32_alone():
    node = first(
        helper.make_node("Resize", ["x", "", "s"], ["y"]),
        {"y": [1, 2, 8, 8]},
        s=np.array([1, 1, 2, 2], np.float32),
    )
    assert [takes_half(node, index) for index in (0, 2)] == [True, False]
    assert gives_half(node)


def test_any_input_of_a_concat():
    node = first(
        helper.make_node("Concat", ["x", "x", "c"], ["y"], axis=1), {"y": [1, 6, 4, 4]}, c=normal(1, 2, 4, 4)
    )
    assert all(takes_half(node, index) for index in range(3))


def test_a_type_that_an_attribute_sets_is_not_of_the_inputs():
    node = first(helper.make_node("ConstantOfShape", ["n"], ["y"]), {"y": [2]}, n=np.array([2], np.int64))
    assert not gives_half(node)


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_scales_may_be_fp16_in_the_opset_that_the_graph_will_have(op):
    constants = {"s": np.array(0.1, np.float32), "z": np.array(0, np.int8)}
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])]
    nodes.append(helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]))
    model = infer_shapes(make_graph(nodes, {"x": [1, 2, 4, 4]}, {"y": [1, 2, 4, 4]}, constants))
    node = next(node for node in model.graph if node.op_type == op)
    assert takes_half(node, 1)
    assert gives_half(node)
