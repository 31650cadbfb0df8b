from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import helper

from edgekit_export.graph_io import infer_shapes
from edgekit_export.passes.driver import run_passes
from edgekit_export.precision.half import HalfPrecision
from edgekit_export.precision.overflow import HEADROOM, Overflow, find_overflow, measure_largest
from tests.export.graphs import make_graph, run

ONE = np.ones((1, 1, 2, 2), np.float32)


def swelling(*factors):
    """Return convolutions of one channel named a, b, … that multiply by each factor in turn, a Relu after each."""
    nodes, weights, value = [], {}, "x"
    for name, factor in zip("abcd", factors, strict=False):
        weights[f"{name}.w"] = np.full((1, 1, 1, 1), factor, np.float32)
        nodes.append(helper.make_node("Conv", [value, f"{name}.w"], [name], name=name))
        value = f"{name}.Relu"
        nodes.append(helper.make_node("Relu", [name], [value], name=value))
    nodes.append(helper.make_node("Add", [value, value], ["y"], name="last"))
    shape = ["N", 1, 2, 2]
    return make_graph(nodes, {"x": shape}, {"y": shape}, weights)


def test_who_gives_and_who_takes_a_large_value_is_found():
    found = find_overflow(swelling(1000, 1000, 0.0001), {"x": ONE})
    # b gives a million, its Relu passes it on, c takes it.
    assert [item.node for item in found] == ["b", "b.Relu", "c"]
    assert [(item.value, item.largest) for item in found] == [("b", 1e6), ("b", 1e6), ("b.Relu", 1e6)]
    assert found[0].reason == "b reaches 1e+06, and fp16 holds 65504"


@pytest.mark.parametrize("place", range(4))
def test_a_nan_is_found_wherever_it_stands(place):
    """A maximum that meets it after another value may pass over it."""
    frame = ONE.copy()
    frame.flat[place] = np.nan
    assert measure_largest(infer_shapes(swelling(1)), {"x": frame}, frozenset({"a"})) == {"a": float("inf")}


def test_what_was_found_can_be_blocked_and_nothing_is_left():
    model, feeds = swelling(1000, 1000, 0.0001), {"x": ONE}
    blocked = {item.node: item.reason for item in find_overflow(model, feeds)}
    lowered = run_passes(model, [HalfPrecision(blocked=blocked)], feeds)
    assert find_overflow(lowered, feeds, headroom=1) == ()
    np.testing.assert_allclose(run(lowered, **feeds)["y"], run(model, **feeds)["y"], rtol=0.005)


def test_the_graph_in_fp16_shows_what_was_not_blocked():
    model, feeds = swelling(1000, 1000, 0.0001), {"x": ONE}
    lowered = run_passes(model, [HalfPrecision()], feeds)
    found = find_overflow(lowered, feeds, headroom=1)
    assert [item.node for item in found] == ["b", "b.Relu", "c", "c.Relu", "last"]
    assert {item.largest for item in found} == {float("inf")}


def test_a_cast_that_overflows_is_laid_at_its_users_door():
    model, feeds = swelling(1000, 1000, 0.0001), {"x": ONE}
    lowered = run_passes(model, [HalfPrecision(blocked={"b": "", "b.Relu": ""})], feeds)
    found = find_overflow(lowered, feeds, headroom=1)
    assert found[0] == Overflow("c", "b.Relu.half", float("inf"))


@pytest.mark.parametrize(("headroom", "found"), [(HEADROOM, True), (1, False)])
def test_other_frames_go_further(headroom, found):
    # 20000 fits; 8 times that would not.
    assert bool(find_overflow(swelling(20000), {"x": ONE}, headroom=headroom)) is found


def test_nan_is_found():
    model = make_graph(
        [helper.make_node("Sqrt", ["x"], ["a"], name="a"), helper.make_node("Relu", ["a"], ["y"], name="b")],
        {"x": [3]},
        {"y": [3]},
        {},
    )
    found = find_overflow(model, {"x": np.full(3, -1, np.float32)})
    assert [item.node for item in found] == ["a", "b"]
    assert found[0].largest == float("inf")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays.arrays(np.float32, (2, 3), elements=st.floats(-1e6, 1e6, width=32)))
def test_the_largest_magnitude_is_that_of_numpy(x):
    model = infer_shapes(
        make_graph([helper.make_node("Abs", ["x"], ["y"])], {"x": ["N", 3]}, {"y": ["N", 3]}, {})
    )
    wanted = float(np.abs(x).max())
    assert measure_largest(model, {"x": x}, frozenset({"x", "y"})) == {"x": wanted, "y": wanted}
