"""fp16 in a graph: which types stand where, where the casts are, and that a half-done graph is caught."""

from __future__ import annotations

import re

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes import editing
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.mask_output import MaskOutput
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_export.precision import half
from edgekit_export.precision.half import HalfBesideInt8, HalfPrecision
from edgekit_export.precision.half_placement import Placement, place_nodes
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.export.graphs import make_graph, normal, ops, run

HALF, FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT
X = normal(2, 4, 6, 7, seed=9)


def convolutions(*names, between=(), tied=False):
    """Return a chain of 1×1 convolutions of four channels, with the given operators after each but the last."""
    nodes, weights, value = [], {}, "x"
    for index, name in enumerate(names):
        weight = "w" if tied else f"{name}.w"
        weights[weight] = normal(4, 4, 1, 1, seed=index)
        is_last = index == len(names) - 1
        nodes.append(helper.make_node("Conv", [value, weight], ["y" if is_last else name], name=name))
        value = name
        for op in () if is_last else between:
            nodes.append(helper.make_node(op, [value], [f"{name}.{op}"], name=f"{name}.{op}"))
            value = f"{name}.{op}"
    shape = {"x": ["N", 4, 6, 7]}
    return make_graph(nodes, shape, {"y": shape["x"]}, weights)


def lower(model, *, feeds=None, blocked=(), carried=(), graph_pass=HalfPrecision):
    wanted = graph_pass(blocked=dict.fromkeys(blocked, ""), carried=carried)
    return run_passes(model, [wanted], feeds or {"x": X})


def types_of(model):
    """Return the types of the float values that each node touches, by its name."""
    kinds = {HALF: "half", FLOAT: "float"}
    return {
        node.name: {
            kinds[v.dtype] for v in (*node.inputs, *node.outputs) if v is not None and v.dtype in kinds
        }
        for node in model.graph
        if node.op_type != "Cast"
    }


def casts_of(model):
    return [
        node.name for node in model.graph if node.op_type == "Cast" and node.inputs[0].dtype in (HALF, FLOAT)
    ]


def test_a_segmenting_network(built_segmenter):
    stage = built_segmenter.rewritten[0]
    feeds = {"frame": stage.feeds["frame"]}
    model = run_passes(stage.core, [HalfPrecision(), RemoveDead()], feeds)
    kinds = types_of(model)
    assert [value.dtype for value in (*model.graph.inputs, *model.graph.outputs)] == [
        ir.DataType.UINT8,
        FLOAT,
    ]
    assert casts_of(model) == ["frame.shifted.half", "logits.float"]
    assert {name for name, kind in kinds.items() if kind == {"float"}} == {"frame.layout", "frame.shifted"}
    weights = [value.dtype for name, value in model.graph.initializers.items() if name.endswith("weight")]
    assert set(weights) == {HALF}
    masked = stage.finish([HalfPrecision()], stage.feeds)
    assert ops(masked)[-4:] == ["Squeeze", "Less", "Not", "Cast"]
    assert types_of(masked)["mask.defect.below"] == {"float"}


def test_stages_carry_fp16_and_answer_fp32(built_classifier):
    first, second = built_classifier.rewritten
    carried = {"features"}
    feeds = {
        name: array.astype(np.float16) if name in carried else array for name, array in second.feeds.items()
    }
    one = run_passes(first.core, [HalfPrecision(carried=carried), RemoveDead()], first.feeds)
    two = run_passes(second.core, [HalfPrecision(carried=carried), RemoveDead()], feeds)
    assert {value.name: value.dtype for value in one.graph.outputs} == {"features": HALF, "p1": FLOAT}
    assert {value.name: value.dtype for value in (*two.graph.inputs, *two.graph.outputs)} == {
        "features": HALF,
        "p2": FLOAT,
    }
    for model in (one, two):
        kinds = {node.op_type: types_of(model)[node.name] for node in model.graph if node.op_type != "Cast"}
        assert kinds["Softmax"] == kinds["ReduceMean"] == {"float"}
        assert kinds["Gemm"] == kinds["Conv"] == {"half"}


def test_the_same_graph_gives_the_same_bytes():
    model = convolutions("a", "b", between=["Relu"])
    assert to_bytes(lower(model)) == to_bytes(lower(model))


def test_a_blocked_node_has_casts_at_its_borders_alone():
    model = lower(convolutions("a", "b", "c", between=["Relu"]), blocked=["b"])
    assert casts_of(model) == ["x.half", "a.Relu.float", "b.half", "y.float"]
    assert [types_of(model)[name] for name in "abc"] == [{"half"}, {"float"}, {"half"}]


def test_between_two_blocked_nodes_nothing_is_cast():
    model = lower(convolutions("a", "b", "c", "d", between=["Relu"]), blocked=["b", "c"])
    assert casts_of(model) == ["x.half", "a.Relu.float", "c.half", "y.float"]
    assert types_of(model)["b.Relu"] == {"float"}


def test_one_cast_serves_all_users():
    model = make_graph(
        [helper.make_node("Conv", ["x", "w"], [name], name=name) for name in "ab"]
        + [helper.make_node("Add", ["a", "b"], ["y"])],
        {"x": ["N", 4, 6, 7]},
        {"y": ["N", 4, 6, 7]},
        {"w": normal(4, 4, 1, 1)},
    )
    assert casts_of(lower(model)) == ["x.half", "y.float"]


def test_tied_weights_are_kept_once_per_type():
    model = lower(convolutions("a", "b", "c", tied=True), blocked=["b"])
    assert {name: value.dtype for name, value in model.graph.initializers.items()} == {
        "w": FLOAT,
        "w.half": HALF,
    }
    assert [node.inputs[1].name for node in model.graph if node.op_type == "Conv"] == [
        "w.half",
        "w",
        "w.half",
    ]


@pytest.mark.parametrize(
    ("scale", "reason"), [(1e6, "exceeds what fp16 holds"), (1e-8, "rounding to fp16 takes .* of its size")]
)
def test_weights_that_do_not_fit_keep_their_node_in_fp32(scale, reason):
    model = convolutions("a", "b")
    weight = editing.read_constant(model.graph[0].inputs[1]) * np.float32(scale)
    editing.replace_constant(model.graph, model.graph[0], 1, weight, fallback="w")
    model = infer_shapes(model)
    placement = place_nodes(model.graph, blocked={}, carried=())
    assert list(placement.kept) == ["a"]
    assert re.search(reason, placement.kept["a"])
    # What it gives is beyond fp16 as well, and so its user is blocked (see test_overflow).
    assert types_of(lower(model, blocked=["b"]))["a"] == {"float"}


def test_scales_of_a_resize_stay_fp32():
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], name="a"),
            helper.make_node("Resize", ["a", "", "s"], ["y"], name="up", mode="nearest"),
        ],
        {"x": ["N", 4, 6, 7]},
        {"y": ["N", 4, 12, 14]},
        {"w": normal(4, 4, 1, 1), "s": np.array([1, 1, 2, 2], np.float32)},
    )
    lowered = lower(model)
    assert lowered.graph.initializers["s"].dtype == FLOAT
    assert types_of(lowered)["up"] == {"half", "float"}


@pytest.mark.parametrize(("last", "kind"), [("Sigmoid", {"float"}), ("Relu", {"half"})])
def test_a_sigmoid_that_ends_the_network_gives_fp32_probabilities(last, kind):
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], name="a"),
            helper.make_node("Sigmoid", ["a"], ["gate"], name="gate"),
            helper.make_node("Conv", ["gate", "w"], ["b"], name="b"),
            helper.make_node(last, ["b"], ["y"], name="end"),
        ],
        {"x": ["N", 4, 6, 7]},
        {"y": ["N", 4, 6, 7]},
        {"w": normal(4, 4, 1, 1)},
    )
    kinds = types_of(lower(model))
    assert (kinds["gate"], kinds["end"]) == ({"half"}, kind)


def quantised():
    """Return two convolutions that share one Q/DQ pair."""
    codes = np.random.default_rng(0).integers(-127, 128, (4, 4, 1, 1)).astype(np.int8)
    constants = [
        numpy_helper.from_array(np.array(0.05, np.float32), "s"),
        numpy_helper.from_array(np.array(0, np.int8), "z"),
        numpy_helper.from_array(codes, "codes"),
        numpy_helper.from_array(np.full(4, 0.01, np.float32), "ws"),
        numpy_helper.from_array(np.zeros(4, np.int8), "wz"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x.q"], name="q"),
        helper.make_node("DequantizeLinear", ["x.q", "s", "z"], ["x.dq"], name="dq"),
        helper.make_node("DequantizeLinear", ["codes", "ws", "wz"], ["w"], name="wdq", axis=0),
        helper.make_node("Conv", ["x.dq", "w"], ["a"], name="a"),
        helper.make_node("Conv", ["x.dq", "w"], ["b"], name="b"),
        helper.make_node("Add", ["a", "b"], ["y"], name="sum"),
    ]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4, 6, 7]) for name in "xy"]
    graph = helper.make_graph(nodes, "test", infos[:1], infos[1:], constants)
    return ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8))


def test_scales_become_fp16_scalars_in_opset_19():
    model = lower(quantised(), graph_pass=HalfBesideInt8)
    assert model.graph.opset_imports[""] == 19
    kept = {name: (value.dtype, list(value.shape)) for name, value in model.graph.initializers.items()}
    # A scale of shape (1,) would be one per channel, and TensorRT-RTX would leave int8 out.
    assert kept == {
        "s": (FLOAT, []),
        "s.half": (HALF, []),
        "z": (ir.DataType.INT8, []),
        "codes": (ir.DataType.INT8, [4, 4, 1, 1]),
        "ws": (HALF, [4]),
        "wz": (ir.DataType.INT8, [4]),
    }
    kinds = types_of(model)
    # What is quantised comes from outside in fp32; what it is restored for computes in fp16.
    assert kinds["q"] == {"float"}
    assert [kinds[name] for name in ("dq", "wdq", "a", "b")] == [{"half"}] * 4
    assert casts_of(model) == ["y.float"]


def test_a_blocked_convolution_has_dequantisers_of_its_own():
    model = lower(quantised(), blocked=["b"], graph_pass=HalfBesideInt8)
    producers = {
        node.name: {value.producer().op_type for value in node.inputs}
        for node in model.graph
        if node.op_type == "Conv"
    }
    # A cast in between would keep the convolution from int8.
    assert producers == {"a": {"DequantizeLinear"}, "b": {"DequantizeLinear"}}
    assert [types_of(model)[name] for name in ("a", "b")] == [{"half"}, {"float"}]


def test_the_scale_of_a_channel_that_is_switched_off_does_not_become_zero():
    """TensorRT refuses a graph with such a scale."""
    model = quantised()
    scales = np.array([0.01, 0.01, 1e-12, 0.01], np.float32)
    model.graph.initializers["ws"].const_value = ir.tensor(scales, name="ws")
    stored = editing.read_constant(lower(model, graph_pass=HalfBesideInt8).graph.initializers["ws"])
    assert stored.dtype == np.float16
    assert (stored > 0).all()
    np.testing.assert_allclose(stored, scales, rtol=2**-11, atol=2**-24)


def test_a_cast_that_keeps_a_convolution_from_int8_is_caught(monkeypatch):
    monkeypatch.setattr(half, "_split_dequantisers", lambda graph, nodes: None)
    with pytest.raises(GateFailed, match="a cast keeps b from int8"):
        lower(quantised(), blocked=["b"], graph_pass=HalfBesideInt8)


def test_a_scale_that_does_not_fit_keeps_the_convolution_in_fp32():
    model = quantised()
    model.graph.initializers["ws"].const_value = ir.tensor(np.full(4, 1e-9, np.float32), name="ws")
    placement = place_nodes(infer_shapes(model).graph, blocked={}, carried=())
    assert {"a", "b", "wdq"} <= set(placement.kept)
    assert placement.kept["a"].startswith("ws: rounding to fp16")


def test_a_frame_in_int8_is_restored_for_the_convolution_in_fp16():
    model = quantised()
    frame = ir.val("frame", ir.DataType.UINT8, ir.Shape(["N", 4, 6, 7]))
    x = model.graph.inputs[0]
    cast = ir.node("Cast", [frame], {"to": int(FLOAT)}, name="widen")
    model.graph.insert_before(model.graph[0], cast)
    x.replace_all_uses_with(cast.outputs[0])
    model.graph.inputs[:] = [frame]
    model = infer_shapes(model)
    lowered = lower(
        model, graph_pass=HalfBesideInt8, feeds={"frame": np.arange(168, dtype=np.uint8).reshape(1, 4, 6, 7)}
    )
    kinds = types_of(lowered)
    assert (kinds["q"], kinds["dq"], kinds["a"]) == ({"float"}, {"half"}, {"half"})


def test_what_only_moves_or_bends_values_goes_by_what_is_carried_on():
    shape = ["N", 4, 6, 7]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="a"),
        helper.make_node("Relu", ["a"], ["y"], name="bend"),
    ]
    model = infer_shapes(make_graph(nodes, {"x": shape}, {"y": shape}, {"w": normal(4, 4, 1, 1)}))
    assert "bend" in place_nodes(model.graph, blocked={"a": ""}, carried={"y"}).half
    assert "bend" not in place_nodes(model.graph, blocked={"a": ""}, carried=()).half


OPERATORS = ("Conv", "Relu", "Softmax", "Sigmoid", "Add", "Mul", "Transpose", "ReduceMean", "Concat", "Exp")


@st.composite
def networks(draw):
    """Draw a graph of four channels whose nodes take any earlier values, and the nodes to block."""
    nodes, values = [], ["x"]
    for index, op in enumerate(draw(st.lists(st.sampled_from(OPERATORS), min_size=2, max_size=8))):
        count = 2 if op in ("Add", "Mul", "Concat") else 1
        inputs = [draw(st.sampled_from(values)) for _ in range(count)]
        name, more = f"n{index}", {}
        if op == "Conv":
            inputs.append("w")
        elif op in ("Softmax", "Concat"):
            more = {"axis": 0 if op == "Concat" else 1}
        elif op == "Transpose":
            more = {"perm": [0, 1, 2, 3]}
        elif op == "ReduceMean":
            inputs.append("axes")
        nodes.append(helper.make_node(op, inputs, [name], name=name, **more))
        # Joined or pooled values would not fit the others; they end there.
        if op not in ("Concat", "ReduceMean"):
            values.append(name)
    nodes.append(helper.make_node("Relu", [values[-1]], ["y"], name="end"))
    blocked = draw(st.sets(st.sampled_from([node.name for node in nodes])))
    constants = {"w": 0.3 * normal(4, 4, 1, 1), "axes": np.array([2, 3], np.int64)}
    shape = ["N", 4, 6, 7]
    return make_graph(nodes, {"x": shape}, {"y": shape}, constants), blocked


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks())
def test_whatever_stands_where_the_graph_stays_whole(drawn):
    model, blocked = drawn
    kinds = types_of(lower(model, blocked=blocked, feeds={"x": np.abs(X) / 4}))
    assert all("half" not in kinds[name] for name in blocked)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"blocked": ["nobody"]}, "no node 'nobody'"),
        ({"carried": ["nothing"]}, "no input or output .* 'nothing'"),
    ],
)
def test_names_that_do_not_exist_are_refused(named, reason):
    with pytest.raises(UsageProblem, match=reason):
        lower(convolutions("a"), **named)


def test_a_graph_in_fp16_is_refused():
    model = lower(convolutions("a"))
    with pytest.raises(UsageProblem, match="computes in fp16 already"):
        lower(model)


def test_a_node_that_was_forgotten_is_caught(monkeypatch):
    right = half.place_nodes

    def forgetful(*arguments, **more):
        placement = right(*arguments, **more)
        return Placement(placement.half - {"b"}, placement.kept)

    monkeypatch.setattr(half, "place_nodes", forgetful)
    with pytest.raises(GateFailed, match="b must compute in fp16"):
        lower(convolutions("a", "b"))


@pytest.mark.parametrize(("between", "blocked", "named"), [((), ["b"], "b"), (["Softmax"], [], "a.Softmax")])
def test_a_node_that_must_stay_is_caught(monkeypatch, between, blocked, named):
    everything = frozenset({"a", "a.Softmax", "b"})
    monkeypatch.setattr(half, "place_nodes", lambda graph, **_: Placement(everything, {}))
    with pytest.raises(GateFailed, match=f"{named} must compute in fp32"):
        lower(convolutions("a", "b", between=between), blocked=blocked)


def test_casts_made_twice_are_caught(monkeypatch):
    right = half._Rewriter._cast

    def forgetful(rewriter, value, to):
        rewriter._casts.clear()
        return right(rewriter, value, to)

    monkeypatch.setattr(half._Rewriter, "_cast", forgetful)
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], name="a"),
            helper.make_node("Conv", ["x", "w"], ["b"], name="b"),
        ],
        {"x": ["N", 4, 6, 7]},
        {"a": ["N", 4, 6, 7], "b": ["N", 4, 6, 7]},
        {"w": normal(4, 4, 1, 1)},
    )
    with pytest.raises(GateFailed, match=r"casts that another makes needless: x\.half"):
        lower(model)


def test_weights_that_changed_are_caught(monkeypatch):
    right = half.round_input
    monkeypatch.setattr(half, "round_input", lambda node, index, array: right(node, index, array[::-1]))
    with pytest.raises(GateFailed, match="'half_precision' broke the graph: 'y' changed"):
        lower(convolutions("a", "b"))


def test_a_threshold_is_compared_in_fp32():
    shape = ["N", 1, 6, 7]
    model = make_graph(
        [helper.make_node("Conv", ["x", "w"], ["logits"], name="a")],
        {"x": ["N", 4, 6, 7]},
        {"logits": shape},
        {"w": normal(1, 4, 1, 1)},
    )
    lowered = run_passes(model, [HalfPrecision(), MaskOutput()], {"x": X, "threshold": np.float32(0.1)})
    assert lowered.graph.inputs[-1].dtype == FLOAT
    assert run(lowered, x=X, threshold=np.float32(0.1))["mask"].dtype == np.uint8
