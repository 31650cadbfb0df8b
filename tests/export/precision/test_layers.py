from __future__ import annotations

import pytest
from onnx import helper

from edgekit_export.graph_io import infer_shapes
from edgekit_export.precision.layers import Use, find_uses, list_layers, list_possible_uses
from tests.export.graphs import make_graph, normal


def single(node, *, weights, x=(2, 4, 4), y=(3, 4, 4)):
    return infer_shapes(make_graph([node], {"x": ["N", *x]}, {"y": ["N", *y]}, weights)).graph


def residual(*, activation=False, shared=False):
    """sum = [Relu](Conv a of x) + Conv b of x; y = Conv c of sum, + x, or + b where that is shared."""
    nodes = [
        helper.make_node("Conv", ["x", "wa"], ["a"]),
        helper.make_node("Conv", ["x", "wb"], ["b"]),
        *([helper.make_node("Relu", ["a"], ["r"])] if activation else []),
        helper.make_node("Add", ["r" if activation else "a", "b"], ["sum"]),
        helper.make_node("Conv", ["sum", "wc"], ["c"]),
        helper.make_node("Add", ["c", "b" if shared else "x"], ["y"]),
    ]
    weights = {name: normal(2, 2, 1, 1, seed=index) for index, name in enumerate(("wa", "wb", "wc"))}
    return infer_shapes(make_graph(nodes, {"x": ["N", 2, 4, 4]}, {"y": ["N", 2, 4, 4]}, weights)).graph


def sides(graph, layers):
    """Return which side of each Add is int8, as node → tensor."""
    return {use.node: use.tensor for use in find_uses(graph, layers) if use.node.startswith("Add")}


@pytest.mark.parametrize(
    ("node", "weights", "x", "y", "axis"),
    [
        (helper.make_node("Conv", ["x", "w"], ["y"]), (3, 2, 1, 1), (2, 4, 4), (3, 4, 4), 0),
        (helper.make_node("Conv", ["x", "w"], ["y"], group=2), (4, 1, 1, 1), (2, 4, 4), (4, 4, 4), 0),
        (helper.make_node("Gemm", ["x", "w"], ["y"]), (2, 3), (2,), (3,), 1),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), (3, 2), (2,), (3,), 0),
        (helper.make_node("MatMul", ["x", "w"], ["y"]), (2, 3), (5, 2), (5, 3), 1),
    ],
)
def test_layers_and_the_axis_of_their_output_channels(node, weights, x, y, axis):
    (layer,) = list_layers(single(node, weights={"w": normal(*weights)}, x=x, y=y))
    assert (layer.name, layer.operation, layer.tensor) == (f"{node.op_type}.y", node.op_type, "x")
    assert (layer.axis, layer.obstacle) == (axis, "")


@pytest.mark.parametrize(
    ("node", "weights", "x", "y", "obstacle"),
    [
        (
            helper.make_node("ConvTranspose", ["x", "w"], ["y"]),
            (2, 3, 1, 1),
            (2, 4, 4),
            (3, 4, 4),
            "subpixel",
        ),
        (helper.make_node("Gemm", ["x", "w"], ["y"], alpha=2.0), (2, 3), (2,), (3,), "scales"),
        (helper.make_node("MatMul", ["x", "w"], ["y"]), (1, 2, 3), (5, 2), (5, 3), "3 dimensions"),
    ],
)
def test_what_stays_in_floating_point_says_why(node, weights, x, y, obstacle):
    (layer,) = list_layers(single(node, weights={"w": normal(*weights)}, x=x, y=y))
    assert obstacle in layer.obstacle


def test_weights_that_are_computed():
    nodes = [helper.make_node("Neg", ["w"], ["v"]), helper.make_node("Conv", ["x", "v"], ["y"])]
    shapes = {"x": ["N", 2, 4, 4]}, {"y": ["N", 3, 4, 4]}
    (computed,) = list_layers(make_graph(nodes, *shapes, {"w": normal(3, 2, 1, 1)}).graph)
    assert "not constant" in computed.obstacle


def test_a_layer_reads_its_data_in_int8():
    graph = residual()
    assert find_uses(graph, {"Conv.c"})[0] == Use("Conv.c", 0, "sum")
    assert [use.node for use in find_uses(graph, {"Conv.a", "Conv.b"})][:2] == ["Conv.a", "Conv.b"]


def test_the_side_of_an_add_that_no_convolution_joins_is_int8():
    assert sides(residual(), {"Conv.c"}) == {"Add.y": "x"}


def test_of_two_convolutions_the_first_joins_the_add():
    graph = residual()
    assert sides(graph, {"Conv.a", "Conv.b"}) == {"Add.sum": "b"}
    assert sides(graph, {"Conv.b"}) == {"Add.sum": "a"}


def test_an_add_without_a_layer_in_int8_is_left():
    assert find_uses(residual(), ()) == ()


def test_an_activation_keeps_a_convolution_from_the_add():
    assert sides(residual(activation=True), {"Conv.a", "Conv.b"}) == {"Add.sum": "r"}
    assert sides(residual(activation=True), {"Conv.a"}) == {}


def test_a_convolution_that_others_read_too_cannot_join():
    assert sides(residual(shared=True), {"Conv.b"}) == {}


def test_an_add_of_a_constant_is_no_residual():
    for constant in (normal(2, 1, 1), normal(1, 2, 4, 4)):
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["a"]),
            helper.make_node("Add", ["a", "k"], ["y"]),
        ]
        shapes = {"x": ["N", 2, 4, 4]}, {"y": ["N", 2, 4, 4]}
        graph = infer_shapes(make_graph(nodes, *shapes, {"w": normal(2, 2, 1, 1), "k": constant})).graph
        assert [use.node for use in find_uses(graph, {"Conv.a"})] == ["Conv.a"]


def test_an_add_that_spreads_one_side_over_the_other_is_no_residual():
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Add", ["a", "gate"], ["y"])]
    shape = ["N", 2, 4, 4]
    model = make_graph(nodes, {"x": shape, "gate": ["N", 2, 1, 1]}, {"y": shape}, {"w": normal(2, 2, 1, 1)})
    assert [use.node for use in find_uses(infer_shapes(model).graph, {"Conv.a"})] == ["Conv.a"]


def test_answers_are_in_int8_too_where_that_is_asked():
    graph = residual(activation=True)
    found = {(use.node, use.tensor) for use in find_uses(graph, {"Conv.a", "Conv.b"}, answers=True)}
    assert found == {
        ("Conv.a", "x"),
        ("Conv.b", "x"),
        ("Relu.r", "a"),
        ("Add.sum", "r"),
        ("Add.sum", "b"),
    }


@pytest.mark.parametrize("answers", [False, True])
def test_possible_uses_are_those_of_all_choices(answers):
    graph = residual()
    needed = {use for n in range(8) for use in find_uses(graph, _subset(graph, n), answers=answers)}
    assert set(list_possible_uses(graph, answers=answers)) == needed


def _subset(graph, number):
    return [layer.name for index, layer in enumerate(list_layers(graph)) if number >> index & 1]


def test_data_that_are_constant_are_no_layer():
    nodes = [helper.make_node("MatMul", ["k", "w"], ["m"]), helper.make_node("Add", ["x", "m"], ["y"])]
    model = make_graph(nodes, {"x": [2, 3]}, {"y": [2, 3]}, {"k": normal(2, 4), "w": normal(4, 3)})
    assert list_layers(infer_shapes(model).graph)[0].obstacle == "its data are constant"
