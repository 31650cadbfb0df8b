from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgekit_export.exportable import Normalisation
from edgekit_export.passes import fold_normalisation
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.fold_normalisation import FoldNormalisation
from edgekit_export.passes.frame_input import FrameInput
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_runtime.errors import GateFailed, UsageProblem
from tests.export.graphs import make_graph, normal, ops, run

GREY = Normalisation((0.348,), (0.278,))
COLOUR = Normalisation((0.4, 0.5, 0.3), (0.2, 0.25, 0.3))
FRAME = np.random.default_rng(0).integers(0, 256, (2, 6, 7), np.uint8)
PICTURE = np.random.default_rng(0).integers(0, 256, (2, 6, 7, 3), np.uint8)


def fold(model, normalisation, frame, channels="grey"):
    """Return the graph before the fold and after it; the driver compares their values."""
    entry = FrameInput(normalisation, channels, image="image")
    before = run_passes(model, [entry], {"frame": frame})
    after = run_passes(before, [FoldNormalisation(), RemoveDead()], {"frame": frame})
    return before, after


def convolution(pad: int, *, bias: bool = True, channels: int = 1, groups: int = 1):
    inputs = ["image", "w", "b"] if bias else ["image", "w"]
    size = 4 + 2 * pad, 5 + 2 * pad
    return make_graph(
        [helper.make_node("Conv", inputs, ["y"], pads=[pad] * 4, group=groups)],
        {"image": ["N", channels, 6, 7]},
        {"y": ["N", 6, *size]},
        {"w": normal(6, channels // groups, 3, 3), **({"b": normal(6, seed=1)} if bias else {})},
    )


def assert_same(before, after, frame):
    wanted = run(before, frame=frame)
    for name, array in run(after, frame=frame).items():
        np.testing.assert_allclose(array, wanted[name], rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_with_padding_one_subtraction_stays(bias):
    before, after = fold(convolution(1, bias=bias), GREY, FRAME)
    assert ops(after) == ["Cast", "Unsqueeze", "Sub", "Conv"]
    assert_same(before, after, FRAME)


@pytest.mark.parametrize("bits", [9, 12, 16])
@pytest.mark.parametrize("pad", [0, 1])
def test_deep_pixels_give_to_the_bit_what_those_of_8_bits_give(bits, pad):
    model = convolution(pad)
    _, shallow = fold(model, GREY, FRAME)
    scaled = Normalisation(GREY.mean, GREY.std, GREY.scale * 2 ** (bits - 8))
    entry = FrameInput(scaled, "grey", image="image", graph_type="int32")
    frame = FRAME.astype(np.int32) << (bits - 8)
    deep = run_passes(model, [entry, FoldNormalisation(bits), RemoveDead()], {"frame": frame})
    assert ops(deep) == ["Cast", "Unsqueeze", "Mul", *ops(shallow)[2:]]
    np.testing.assert_array_equal(run(deep, frame=frame)["y"], run(shallow, frame=FRAME)["y"])


@pytest.mark.parametrize("bias", [True, False])
def test_without_padding_nothing_stays(bias):
    before, after = fold(convolution(0, bias=bias), GREY, FRAME)
    assert ops(after) == ["Cast", "Unsqueeze", "Conv"]
    assert_same(before, after, FRAME)


def test_a_mean_of_zero_needs_no_subtraction():
    before, after = fold(convolution(1), Normalisation((0.0,), (0.278,)), FRAME)
    assert ops(after) == ["Cast", "Unsqueeze", "Conv"]
    assert_same(before, after, FRAME)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("pad", [0, 1])
def test_each_colour_has_its_own_numbers(pad, groups):
    before, after = fold(convolution(pad, channels=3, groups=groups), COLOUR, PICTURE, "rgb")
    assert ops(after) == ["Cast", "Transpose", *(["Sub"] if pad else []), "Conv"]
    assert_same(before, after, PICTURE)


def test_other_users_of_the_image_get_a_subtraction_and_a_factor():
    model = make_graph(
        [
            helper.make_node("Conv", ["image", "w"], ["a"], pads=[1] * 4),
            helper.make_node("Conv", ["image", "v"], ["b"]),
            helper.make_node("Relu", ["image"], ["c"]),
        ],
        {"image": ["N", 1, 6, 7]},
        {"a": ["N", 2, 6, 7], "b": ["N", 2, 6, 7], "c": ["N", 1, 6, 7]},
        {"w": normal(2, 1, 3, 3), "v": normal(2, 1, 1, 1)},
    )
    before, after = fold(model, GREY, FRAME)
    assert sorted(ops(after)) == sorted(["Cast", "Unsqueeze", "Sub", "Mul", "Conv", "Conv", "Relu"])
    assert_same(before, after, FRAME)


def test_a_shift_in_the_bias_of_a_padded_convolution_is_caught(monkeypatch):
    monkeypatch.setattr(fold_normalisation, "_pads", lambda conv: False)
    with pytest.raises(GateFailed, match="'fold_normalisation' broke the graph: 'y' changed"):
        fold(convolution(1), GREY, FRAME)


def test_a_graph_without_normalisation_is_refused():
    model = convolution(1)
    with pytest.raises(UsageProblem, match="fold_normalisation"):
        run_passes(model, [FoldNormalisation()], {"image": normal(1, 1, 6, 7)})
