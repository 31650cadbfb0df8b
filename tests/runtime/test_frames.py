import dataclasses

import numpy as np
import pytest
from PIL import Image

from edgekit_runtime.bundle import InputContract, PixelFormat
from edgekit_runtime.errors import FrameError
from edgekit_runtime.frames import plan_grid, prepare_batch, prepare_frame

GREY = InputContract("frame", PixelFormat(), 4, 6, 1, "refuse", 0, None, None, None)
COLOUR = dataclasses.replace(GREY, pixels=PixelFormat(channels="bgr"))
PAD = dataclasses.replace(GREY, fit="pad")
DEEP = dataclasses.replace(GREY, pixels=PixelFormat(bits=12, scale=4095.0))


def test_a_frame_becomes_a_batch_of_one():
    frame = np.arange(24, dtype=np.uint8).reshape(4, 6)
    batch = prepare_frame(frame, GREY)
    assert batch.frames.shape == (1, 4, 6)
    assert batch.sizes == ((4, 6),)
    np.testing.assert_array_equal(batch.frames[0], frame)
    assert prepare_frame(np.zeros((4, 6, 3), np.uint8), COLOUR).frames.shape == (1, 4, 6, 3)


def test_frames_that_are_not_contiguous_are_taken_as_they_look():
    wide = np.arange(96, dtype=np.uint8).reshape(8, 12)
    for frame in (wide[::2, ::2], wide[::-2, ::-2], np.asfortranarray(wide[:4, :6])):
        for batch in (prepare_frame(frame, GREY), prepare_batch([frame], GREY)):
            assert batch.frames.flags.c_contiguous
            np.testing.assert_array_equal(batch.frames[0], frame)
    backwards = np.zeros((5, 4, 6, 3), np.uint8)[:, :, :, ::-1]
    assert prepare_batch(backwards, COLOUR).frames.flags.c_contiguous


@pytest.mark.parametrize("contract", [GREY, PAD])
def test_contiguous_frames_of_the_graphs_size_are_not_copied(contract):
    frames = np.zeros((3, 4, 6), np.uint8)
    assert prepare_batch(frames, contract).frames is frames
    assert np.shares_memory(prepare_frame(frames[1], contract).frames, frames)
    assert prepare_batch(frames, contract).sizes == ((4, 6),) * 3


def test_sequences_keep_their_order():
    frames = [np.full((4, 6), value, np.uint8) for value in range(3)]
    for given in (frames, tuple(frames), iter(frames), np.stack(frames)):
        assert prepare_batch(given, GREY).frames[:, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("frame", "came", "remedy"),
    [
        (np.zeros((4, 6), np.uint16), "uint16", "8 bits"),
        (np.zeros((4, 6), np.float32), "float32", "normalisation"),
        (np.zeros((4, 6), bool), "bool", "not a mask"),
        (np.zeros((6, 4), np.uint8), r"\(6, 4\)", "4 rows and 6 columns"),
        (np.zeros((4, 6, 1), np.uint8), r"\(4, 6, 1\)", r"frame\[..., 0\]"),
        (np.zeros((4, 6, 4), np.uint8), r"\(4, 6, 4\)", "grey"),
        (np.zeros(6, np.uint8), r"\(6,\)", "grey"),
        (np.uint8(3), "uint8", "asarray"),
        ([[0, 0]], "list", "asarray"),
        (None, "NoneType", "asarray"),
    ],
)
def test_a_grey_frame_that_does_not_fit_is_refused(frame, came, remedy):
    with pytest.raises(FrameError, match=rf"uint8 \(4, 6\).*{came}") as caught:
        prepare_frame(frame, GREY)
    assert __import__("re").search(remedy, caught.value.remedy)
    with pytest.raises(FrameError, match=f"Frame 1 .*{came}"):
        prepare_batch([np.zeros((4, 6), np.uint8), frame], GREY)


@pytest.mark.parametrize(
    ("frame", "remedy"),
    [
        (np.zeros((4, 6, 4), np.uint8), "alpha"),
        (np.zeros((4, 6, 1), np.uint8), "last axis"),
        (np.zeros((3, 4, 6), np.uint8), "channels last"),
        (np.zeros((4, 7, 3), np.uint8), "6 columns"),
    ],
)
def test_a_colour_frame_that_does_not_fit_is_refused(frame, remedy):
    with pytest.raises(FrameError, match=r"uint8 bgr \(4, 6, 3\)") as caught:
        prepare_frame(frame, COLOUR)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("frames", [[], (), np.zeros((0, 4, 6), np.uint8), iter([])])
def test_an_empty_batch_is_refused(frames):
    with pytest.raises(FrameError, match="no frame"):
        prepare_batch(frames, GREY)


def test_one_frame_in_place_of_a_batch_is_explained():
    with pytest.raises(FrameError) as caught:
        prepare_batch(np.zeros((4, 6), np.uint8), GREY)
    assert "frame[None]" in caught.value.remedy


@pytest.mark.parametrize(
    "frames", ["frame.png", b"", None, 3, np.zeros((2, 4, 6, 4), np.uint8), np.zeros((2, 4, 6))]
)
def test_batches_that_hold_no_frames_are_refused(frames):
    with pytest.raises(FrameError, match="uint8"):
        prepare_batch(frames, GREY)


def test_a_frame_of_any_size_becomes_tiles_in_order():
    contract = dataclasses.replace(GREY, fit="tile", overlap=2)
    frames = [np.arange(99, dtype=np.uint8).reshape(9, 11), np.full((2, 3), 7, np.uint8)]
    batch = prepare_batch(frames, contract)
    assert batch.sizes == ((9, 11), (2, 3))
    grid = plan_grid((9, 11), contract)
    np.testing.assert_array_equal(batch.frames[:-1], grid.cut(frames[0]))
    np.testing.assert_array_equal(batch.frames[-1], np.full((4, 6), 7))
    np.testing.assert_array_equal(prepare_frame(frames[0], contract).frames, batch.frames[:-1])


@pytest.mark.parametrize("contract", [DEEP, dataclasses.replace(DEEP, fit="pad")])
def test_deep_frames_reach_the_graph_as_int32(contract):
    frames = np.random.default_rng(0).integers(0, 4096, (3, 4, 6)).astype(np.uint16)
    for batch in (prepare_batch(frames, contract), prepare_batch(list(frames), contract)):
        assert batch.frames.dtype == np.int32
        assert batch.frames.flags.c_contiguous
        np.testing.assert_array_equal(batch.frames, frames)
    np.testing.assert_array_equal(prepare_frame(frames[1], contract).frames[0], frames[1])
    assert prepare_frame(frames[1], contract).frames.dtype == np.int32


def test_a_frame_of_another_depth_is_refused_with_the_shape_that_is_taken():
    with pytest.raises(FrameError, match=r"uint16 of 12 bits \(4, 6\); got uint8 \(4, 6\)") as caught:
        prepare_frame(np.zeros((4, 6), np.uint8), DEEP)
    assert "--bits 8" in caught.value.remedy
    with pytest.raises(
        FrameError, match=r"Frame 1 holds the value 4096; pixels of 12 bits go from 0 to 4095"
    ):
        prepare_batch([np.zeros((4, 6), np.uint16), np.full((4, 6), 4096, np.uint16)], DEEP)
    with pytest.raises(FrameError, match="The batch holds the value 65535") as caught:
        prepare_batch(np.full((1, 4, 6), 65535, np.uint16), DEEP)
    assert "frame >> 4" in caught.value.remedy


def test_colours_become_grey_by_the_formula_of_the_contract():
    colours = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    contract = dataclasses.replace(GREY, pixels=PixelFormat(grey="bt601"))
    expected = np.stack([np.asarray(Image.fromarray(frame).convert("L")) for frame in colours])
    np.testing.assert_array_equal(prepare_batch(colours, contract).frames, expected)
    np.testing.assert_array_equal(prepare_batch(list(colours), contract).frames, expected)
    np.testing.assert_array_equal(prepare_frame(colours[0], contract).frames[0], expected[0])


def test_colours_are_refused_where_no_formula_is_stated_unless_they_are_grey():
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    np.testing.assert_array_equal(prepare_frame(np.repeat(grey[:, :, None], 3, axis=2), GREY).frames[0], grey)
    colours = np.zeros((4, 6, 3), np.uint8)
    colours[3, 5, 2] = 1
    with pytest.raises(FrameError, match="The frame is in colour") as caught:
        prepare_frame(colours, GREY)
    assert "--grey" in caught.value.remedy


@pytest.mark.parametrize("channels", ["grey", "rgb"])
@pytest.mark.parametrize("size", [(4, 6), (3, 6), (4, 5), (1, 1), (3, 2)])
def test_smaller_frames_are_padded_with_their_border(size, channels):
    contract = dataclasses.replace(PAD, pixels=PixelFormat(channels=channels))
    shape = size if channels == "grey" else (*size, 3)
    frame = np.random.default_rng(sum(size)).integers(0, 256, shape, np.uint8)
    rows, columns = (np.minimum(np.arange(most), side - 1) for most, side in zip((4, 6), size, strict=True))
    expected = frame[rows][:, columns]
    stacked = np.stack([frame, frame])
    for batch in (
        prepare_frame(frame, contract),
        prepare_frame(np.asfortranarray(frame), contract),
        prepare_batch([frame, frame], contract),
        prepare_batch(stacked, contract),
        prepare_batch(stacked[:, ::-1][:, ::-1], contract),
    ):
        assert batch.frames.dtype == np.uint8
        assert batch.frames.flags.c_contiguous
        assert set(batch.sizes) == {size}
        for padded in batch.frames:
            np.testing.assert_array_equal(padded, expected)


def test_frames_of_several_sizes_become_one_batch_in_their_order():
    sizes = ((2, 5), (4, 6), (1, 1))
    batch = prepare_batch((np.full(size, value, np.uint8) for value, size in enumerate(sizes)), PAD)
    assert batch.sizes == sizes
    for value, padded in enumerate(batch.frames):
        assert (padded == value).all()


@pytest.mark.parametrize(
    ("multiple", "size", "remedy"),
    [
        (1, (5, 6), "--size 5x6"),
        (1, (4, 9), "--size 4x9"),
        (1, (9, 2), "--size 9x6"),
        (2, (5, 2), "--size 6x6"),
        (1, (0, 6), "no pixel"),
        (1, (4, 0), "no pixel"),
    ],
)
def test_frames_that_cannot_be_padded_are_refused_with_both_sizes(multiple, size, remedy):
    contract = dataclasses.replace(PAD, multiple=multiple)
    frame = np.zeros(size, np.uint8)
    for call in (
        lambda: prepare_frame(frame, contract),
        lambda: prepare_batch(frame[None], contract),
        lambda: prepare_batch([np.zeros((4, 6), np.uint8), frame], contract),
    ):
        with pytest.raises(FrameError, match=rf"at most 4, at most 6\).*{size[0]}, {size[1]}\)") as caught:
            call()
        assert remedy in caught.value.remedy


@pytest.mark.parametrize("fit", ["refuse", "pad"])
@pytest.mark.parametrize(
    ("frame", "remedy"),
    [
        (np.zeros((4, 6), np.float32), "normalisation"),
        (np.zeros((4, 6, 4), np.uint8), "grey"),
        (np.zeros((4, 6, 1), np.uint8), "frame[..., 0]"),
        (np.zeros((3, 4, 6), np.uint8), "grey"),
    ],
)
def test_padding_admits_no_other_kind_of_frame(fit, frame, remedy):
    with pytest.raises(FrameError) as caught:
        prepare_frame(frame, dataclasses.replace(GREY, fit=fit))
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("channels", ["grey", "rgb"])
@pytest.mark.parametrize("fit", ["refuse", "pad", "tile"])
def test_one_colour_frame_is_no_batch_of_narrow_grey_ones(channels, fit):
    """Cut into tiles, its rows would be answered as frames of H×3 pixels."""
    contract = dataclasses.replace(GREY, pixels=PixelFormat(channels), fit=fit)
    colours = np.zeros((contract.height, contract.width, 3), np.uint8)
    with pytest.raises(FrameError, match="one array of shape"):
        prepare_batch(colours, contract)
    assert len(prepare_batch(colours[np.newaxis], contract).sizes) == 1


def test_a_graph_of_three_columns_takes_batches_of_such_frames():
    contract = dataclasses.replace(GREY, height=4, width=3)
    assert prepare_batch(np.zeros((5, 4, 3), np.uint8), contract).frames.shape == (5, 4, 3)
