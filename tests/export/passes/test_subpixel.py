from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_export.passes.subpixel import Subpixel
from edgekit_runtime.errors import UsageProblem
from tests.export.graphs import make_graph, normal, ops, run

HEIGHT, WIDTH = 4, 5


def transposed(
    *, channels=4, outputs=6, groups=1, kernel=(3, 3), stride=2, pads=(1, 1, 1, 1), extra=(1, 1), **more
):
    sides = (HEIGHT, WIDTH)
    size = [
        stride * (sides[axis] - 1) + extra[axis] + kernel[axis] - pads[axis] - pads[axis + 2]
        for axis in (0, 1)
    ]
    attributes = {
        "group": groups,
        "strides": [stride] * 2,
        "pads": list(pads),
        "output_padding": list(extra),
        **more,
    }
    return make_graph(
        [helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], **attributes)],
        {"x": ["N", channels, HEIGHT, WIDTH]},
        {"y": ["N", outputs, *size]},
        {"w": normal(channels, outputs // groups, *kernel), "b": normal(outputs, seed=1)},
    )


def check(model):
    x = normal(2, model.graph.inputs[0].shape[1], HEIGHT, WIDTH, seed=7)
    rewritten = run_passes(model, [Subpixel(), RemoveDead()], {"x": x})
    assert "ConvTranspose" not in ops(rewritten)
    assert rewritten.graph.outputs[0].shape == model.graph.outputs[0].shape
    np.testing.assert_allclose(run(rewritten, x=x)["y"], run(model, x=x)["y"], rtol=1e-5, atol=1e-5)
    return rewritten


@pytest.mark.parametrize("groups", [1, 2])
def test_the_usual_upsampling_is_a_convolution_and_a_shuffle(groups):
    assert ops(check(transposed(groups=groups))) == ["Conv", "DepthToSpace"]


def test_depthwise_with_several_outputs_per_channel():
    check(transposed(channels=3, outputs=6, groups=3))


def test_a_kernel_of_the_stride_needs_one_tap():
    rewritten = check(transposed(kernel=(2, 2), pads=(0, 0, 0, 0), extra=(0, 0)))
    conv = next(iter(rewritten.graph))
    assert list(conv.attributes["kernel_shape"].as_ints()) == [1, 1]


def test_an_output_that_is_no_multiple_of_the_stride_is_cropped():
    assert ops(check(transposed(extra=(0, 0))))[-1] == "Slice"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    stride=st.integers(2, 4),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    pads=st.tuples(*[st.integers(0, 4)] * 4),
    extra=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    groups=st.sampled_from([1, 2]),
)
def test_any_kernel_and_padding(stride, kernel, pads, extra, groups):
    assume(max(extra) < stride)
    # The smallest output must exist.
    assume(all(stride * (HEIGHT - 1) + extra[i] + kernel[i] > pads[i] + pads[i + 2] for i in (0, 1)))
    check(transposed(groups=groups, kernel=kernel, stride=stride, pads=pads, extra=extra))


def test_without_stride_there_is_nothing_to_do():
    model = transposed(stride=1, extra=(0, 0))
    rewritten = run_passes(model, [Subpixel()], {"x": normal(1, 4, HEIGHT, WIDTH)})
    assert ops(rewritten) == ["ConvTranspose"]


def test_without_bias():
    model = make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])],
        {"x": ["N", 2, HEIGHT, WIDTH]},
        {"y": ["N", 3, 9, 11]},
        {"w": normal(2, 3, 3, 3)},
    )
    check(model)


@pytest.mark.parametrize(
    ("attributes", "size", "reason"),
    [
        ({"strides": [2, 2], "dilations": [2, 2]}, [11, 13], "dilated"),
        ({"strides": [2, 1]}, [9, 7], "strides differ"),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, [8, 10], "not explicit"),
    ],
)
def test_what_it_cannot_do_is_refused(attributes, size, reason):
    model = make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)],
        {"x": ["N", 2, HEIGHT, WIDTH]},
        {"y": ["N", 3, *size]},
        {"w": normal(2, 3, 3, 3)},
    )
    with pytest.raises(UsageProblem, match=reason):
        run_passes(model, [Subpixel()], {"x": normal(1, 2, HEIGHT, WIDTH)})
