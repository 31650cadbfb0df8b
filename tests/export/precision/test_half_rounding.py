from __future__ import annotations

import numpy as np
import onnx_ir as ir
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes.driver import run_passes
from edgekit_export.precision.half import HalfPrecision
from edgekit_export.precision.half_rounding import spell_out_rounding
from tests.export.graphs import make_graph, normal, run

NUMPY = {"Add": np.add, "Mul": np.multiply, "Sub": np.subtract, "Max": np.maximum}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(NUMPY)), min_size=1, max_size=6))
def test_every_step_is_rounded_as_numpy_rounds_it(operators):
    x = normal(2, 3, seed=4).astype(np.float16)
    constants = {f"c{index}": normal(2, 3, seed=index) for index, _ in enumerate(operators)}
    values = ["x", *(f"v{index}" for index in range(len(operators) - 1)), "y"]
    nodes = [
        helper.make_node(op, [values[index], f"c{index}"], [values[index + 1]])
        for index, op in enumerate(operators)
    ]
    model = make_graph(nodes, {"x": [2, 3]}, {"y": [2, 3]}, constants)
    spelt = spell_out_rounding(run_passes(model, [HalfPrecision(carried={"x", "y"})], {"x": x}))
    # NumPy computes one fp16 operation in fp32 and rounds, as a device does.
    wanted = x
    for index, op in enumerate(operators):
        wanted = NUMPY[op](wanted, constants[f"c{index}"].astype(np.float16))
    got = run(spelt, x=x)["y"]
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, wanted)


def convolved(*scales):
    """Return convolutions of one channel that multiply by each number in turn, in fp16."""
    values = ["x", *(f"v{index}" for index in range(len(scales) - 1)), "y"]
    nodes = [
        helper.make_node("Conv", [values[index], f"w{index}"], [values[index + 1]])
        for index, _ in enumerate(scales)
    ]
    weights = {f"w{index}": np.full((1, 1, 1, 1), scale, np.float32) for index, scale in enumerate(scales)}
    model = make_graph(nodes, {"x": ["N", 1, 1, 1]}, {"y": ["N", 1, 1, 1]}, weights)
    return run_passes(model, [HalfPrecision()], {"x": np.zeros((1, 1, 1, 1), np.float32)})


def test_a_value_too_large_between_two_convolutions_is_infinite():
    x = np.full((1, 1, 1, 1), 1000, np.float32)
    assert np.isinf(run(spell_out_rounding(convolved(1000, 0.001)), x=x)["y"]).all()


def test_names_stay_and_mean_the_rounded_value():
    lowered = convolved(1 / 3, 1 / 3)
    spelt = spell_out_rounding(lowered)
    names = {value.name for node in spelt.graph for value in node.outputs}
    assert {value.name for node in lowered.graph for value in node.outputs} <= names
    assert {node.name for node in lowered.graph} <= {node.name for node in spelt.graph}
    spelt.graph.outputs.append(next(v for node in spelt.graph for v in node.outputs if v.name == "v0"))
    inner = run(spelt, x=np.ones((1, 1, 1, 1), np.float32))["v0"]
    assert (inner.dtype, inner.item()) == (np.float32, np.float32(np.float16(1 / 3)))


def test_a_graph_without_fp16_stays_as_it_is():
    model = make_graph([helper.make_node("Relu", ["x"], ["y"])], {"x": [2]}, {"y": [2]}, {})
    assert to_bytes(spell_out_rounding(model)) == to_bytes(infer_shapes(model))


def test_the_callers_model_is_left_alone():
    model = convolved(2.0)
    before = to_bytes(model)
    spelt = spell_out_rounding(model)
    assert to_bytes(model) == before
    assert {value.dtype for value in spelt.graph.initializers.values()} == {ir.DataType.FLOAT}
