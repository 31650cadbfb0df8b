from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from edgekit_export.passes import dense, editing
from edgekit_export.passes.dense import Dense
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_export.passes.subpixel import Subpixel
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.export.graphs import make_graph, normal, ops, run

HEIGHT, WIDTH = 4, 5


def grouped(op, *, groups, inputs, outputs):
    """Return a convolution with `inputs` and `outputs` channels per group, of stride 2 and with a bias."""
    first, second = (outputs, inputs) if op == "Conv" else (inputs, outputs)
    size = (2, 3) if op == "Conv" else (2 * HEIGHT, 2 * WIDTH)
    extra = {"output_padding": [1, 1]} if op == "ConvTranspose" else {}
    return make_graph(
        [helper.make_node(op, ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1] * 4, group=groups, **extra)],
        {"x": ["N", groups * inputs, HEIGHT, WIDTH]},
        {"y": ["N", groups * outputs, *size]},
        {"w": normal(groups * first, second, 3, 3), "b": normal(groups * outputs, seed=1)},
    )


def rewrite(model, *passes):
    feeds = {"x": normal(2, model.graph.inputs[0].shape[1], HEIGHT, WIDTH, seed=7)}
    rewritten = run_passes(model, [*passes, RemoveDead()], feeds)
    np.testing.assert_allclose(run(rewritten, **feeds)["y"], run(model, **feeds)["y"], rtol=1e-5, atol=1e-5)
    return rewritten


def weights_of(model):
    conv = next(node for node in model.graph if node.op_type in ("Conv", "ConvTranspose"))
    return editing.read_constant(conv.inputs[1])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    op=st.sampled_from(["Conv", "ConvTranspose"]),
    groups=st.integers(2, 5),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
)
def test_one_group_computes_the_same(op, groups, inputs, outputs):
    rewritten = rewrite(grouped(op, groups=groups, inputs=inputs, outputs=outputs), Dense())
    weight = weights_of(rewritten)
    assert [editing.int_attribute(node, "group", 1) for node in rewritten.graph] == [1]
    assert np.count_nonzero(weight) == weight.size // groups


@pytest.mark.parametrize("groups", [2, 32])
def test_with_the_sub_pixel_form_in_either_order(groups):
    model = grouped("ConvTranspose", groups=groups, inputs=2, outputs=1)
    first, second = rewrite(model, Dense(), Subpixel()), rewrite(model, Subpixel(), Dense())
    assert ops(first) == ops(second) == ["Conv", "DepthToSpace"]
    np.testing.assert_array_equal(weights_of(first), weights_of(second))


def test_weights_that_others_use_stay_for_them():
    model = make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], group=2),
            helper.make_node("Conv", ["a", "w"], ["y"], group=2),
        ],
        {"x": ["N", 2, HEIGHT, WIDTH]},
        {"y": ["N", 2, HEIGHT, WIDTH]},
        {"w": normal(2, 1, 1, 1)},
    )
    rewrite(model, Dense())


def test_without_groups_there_is_nothing_to_do():
    model = grouped("Conv", groups=1, inputs=2, outputs=3)
    np.testing.assert_array_equal(weights_of(rewrite(model, Dense())), weights_of(model))


@pytest.mark.parametrize(("groups", "channels", "factor"), [(512, 1, "8"), (1024, 1, "16"), (32, 4, "8")])
def test_where_one_group_costs_more_it_is_refused(groups, channels, factor):
    model = grouped("Conv", groups=groups, inputs=channels, outputs=channels)
    with pytest.raises(UsageProblem, match=rf"Conv\.y: as one group its {groups} groups .* {factor} times"):
        run_passes(model, [Dense()], {"x": normal(1, groups * channels, HEIGHT, WIDTH)})


def test_weights_that_are_not_constant_are_refused():
    model = make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], group=2)],
        {"x": ["N", 2, HEIGHT, WIDTH], "w": [2, 1, 1, 1]},
        {"y": ["N", 2, HEIGHT, WIDTH]},
        {},
    )
    feeds = {"x": normal(1, 2, HEIGHT, WIDTH), "w": normal(2, 1, 1, 1)}
    with pytest.raises(UsageProblem, match="weights are not constant"):
        run_passes(model, [Dense()], feeds)


def test_groups_in_the_wrong_order_are_caught(monkeypatch):
    right = dense._spread_groups
    monkeypatch.setattr(dense, "_spread_groups", lambda weight, groups: right(weight, groups)[::-1])
    with pytest.raises(GateFailed, match="'dense' broke the graph: 'y' changed"):
        rewrite(grouped("Conv", groups=2, inputs=1, outputs=1), Dense())
