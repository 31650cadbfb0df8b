from fractions import Fraction

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import FrameError
from edgekit_runtime.pixels import LUMA, check_levels, convert_frame, convert_frames, to_grey, widen

COEFFICIENTS = {
    "bt601": (Fraction("0.299"), Fraction("0.587"), Fraction("0.114")),
    "bt709": (Fraction("0.2126"), Fraction("0.7152"), Fraction("0.0722")),
}
TWELVE = PixelFormat(bits=12, scale=4095.0)

deep_or_not = st.sampled_from([np.uint8, np.uint16])
sides = st.integers(1, 9)


def colour_frames(dtype):
    return st.tuples(sides, sides, st.just(3)).flatmap(lambda shape: arrays.arrays(dtype, shape))


@pytest.mark.parametrize("formula", LUMA)
def test_the_weights_are_those_of_the_recommendation_rounded_once(formula):
    exact = [coefficient * 65536 for coefficient in COEFFICIENTS[formula]]
    for weight, value in zip(LUMA[formula], exact, strict=True):
        assert abs(weight - value) <= Fraction(1, 2)
    assert sum(LUMA[formula]) == 65536


@pytest.mark.parametrize("formula", LUMA)
@given(colours=deep_or_not.flatmap(colour_frames))
def test_grey_is_the_rounded_weighted_sum(formula, colours):
    weights = LUMA[formula]
    found = to_grey(colours, formula)
    assert found.dtype == colours.dtype
    for (row, column), value in np.ndenumerate(found):
        exact = sum(w * int(c) for w, c in zip(weights, colours[row, column], strict=True))
        assert value == (exact + 32768) // 65536


@pytest.mark.parametrize("formula", LUMA)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_stays_grey_up_to_the_last_level(formula, dtype):
    levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)[None]
    np.testing.assert_array_equal(to_grey(np.repeat(levels[:, :, None], 3, axis=2), formula), levels)


def test_bt601_is_pillows_l_for_every_colour_of_a_grid_and_its_ends():
    axis = np.unique(np.r_[np.arange(0, 256, 5), 1, 127, 128, 254, 255]).astype(np.uint8)
    colours = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(len(axis), -1, 3)
    np.testing.assert_array_equal(
        to_grey(colours, "bt601"), np.asarray(Image.fromarray(colours).convert("L"))
    )


def test_large_frames_are_converted_like_small_ones():
    colours = np.random.default_rng(0).integers(0, 65536, (70, 1100, 3)).astype(np.uint16)
    whole = to_grey(colours, "bt709")
    np.testing.assert_array_equal(whole[33:34], to_grey(colours[33:34], "bt709"))
    turned = colours[::-1].transpose(1, 0, 2)
    np.testing.assert_array_equal(to_grey(turned, "bt709"), whole[::-1].T)
    np.testing.assert_array_equal(to_grey(colours[None], "bt709")[0], whole)


@pytest.mark.parametrize("pixels", [PixelFormat(), PixelFormat(bits=16, scale=65535.0)])
def test_frames_as_they_should_be_are_not_copied(pixels):
    frame = np.full((4, 6), pixels.levels - 1, pixels.frame_type)
    assert convert_frame(frame, pixels) is frame
    assert convert_frames(frame[None], pixels).base is frame
    assert (widen(frame, pixels) is frame) == (pixels.bits == 8)
    assert widen(frame, pixels).dtype == pixels.graph_type
    assert int(widen(frame, pixels)[0, 0]) == pixels.levels - 1


@given(bits=st.integers(1, 16), value=st.integers(0, 65535))
def test_values_are_taken_exactly_up_to_the_depth(bits, value):
    pixels = PixelFormat(bits=bits, scale=1.0)
    frame = np.zeros((2, 3), pixels.frame_type)
    frame[1, 2] = value % (int(np.iinfo(frame.dtype).max) + 1)
    if frame[1, 2] < 2**bits:
        check_levels(frame, pixels)
        return
    with pytest.raises(
        FrameError, match=f"value {frame[1, 2]}; pixels of {bits} bits go from 0 to {2**bits - 1}"
    ) as caught:
        check_levels(frame, pixels, "The frame")
    shift = 8 * frame.itemsize - bits
    assert f"frame >> {shift}." in caught.value.remedy
    assert f"--bits {int(frame[1, 2]).bit_length()})" in caught.value.remedy


@pytest.mark.parametrize(
    ("frame", "pixels", "message", "remedy"),
    [
        (np.zeros((2, 2), np.uint8), TWELVE, "uint16 of 12 bits; got uint8", "--bits 8"),
        (np.zeros((2, 2), np.uint16), PixelFormat(), "uint8; got uint16", "--bits 12"),
        (np.zeros((2, 2), np.int32), TWELVE, "got int32", "numpy.uint16"),
        (np.zeros((2, 2)), TWELVE, "got float64", "0 to 4095"),
        (np.zeros((2, 2), bool), TWELVE, "got bool", "not a mask"),
        (np.zeros((2, 2), np.uint16), PixelFormat(channels="rgb"), "uint8 rgb; got uint16", "--bits 12"),
    ],
)
def test_what_is_not_as_stated_is_refused_by_name(frame, pixels, message, remedy):
    with pytest.raises(FrameError, match=f"Frame 7 .*{message}") as caught:
        convert_frame(frame, pixels, "Frame 7")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_grey_is_the_colour_whose_channels_are_equal(channels):
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    colours = convert_frame(grey, PixelFormat(channels=channels))
    assert colours.shape == (2, 3, 3)
    assert colours.flags.c_contiguous
    np.testing.assert_array_equal(to_grey(colours, "equal"), grey)
    np.testing.assert_array_equal(convert_frames(grey[None], PixelFormat(channels=channels))[0], colours)


def test_colour_bundles_keep_colours_whatever_their_order():
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert convert_frame(colours, PixelFormat(channels="bgr")) is colours
