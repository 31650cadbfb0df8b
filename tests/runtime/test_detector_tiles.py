"""Frames of any size for a bundle that cuts them into tiles: the answer is that of the whole frame."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgekit_runtime.execution
from edgekit_runtime import Detector
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import FrameError
from edgekit_runtime.frames import plan_grid
from edgekit_runtime.regions import find_regions, name_regions
from edgekit_runtime.testing import FakeBackend, fake_bundle
from edgekit_runtime.verification import verify_bundle
from tests.runtime.onnx_graphs import segment_bundle

TILE = HEIGHT, WIDTH = 12, 16
REACH = 2

sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))
seeds = st.integers(0, 2**32 - 1)


def look_around(inputs):
    """A network that looks two pixels far: a defect is where a white pixel is near, black lies around the image."""
    frames = inputs["frame"]
    padded = np.pad(frames, [(0, 0), (REACH, REACH), (REACH, REACH)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * REACH + 1, 2 * REACH + 1), axis=(1, 2))
    return {"mask": (windows.max(axis=(-1, -2)) >= 250).astype(np.uint8)}


Looking = partial(FakeBackend, answers={"segment": look_around})


@pytest.fixture(scope="module")
def tiling(tmp_path_factory):
    path = tmp_path_factory.mktemp("tile") / "tile.edgekit"
    return fake_bundle(path, height=HEIGHT, width=WIDTH, fit="tile", overlap=2 * REACH)


@settings(deadline=None)  # the first detector imports Numba
@given(size=sizes, seed=seeds)
def test_with_half_of_the_overlap_as_wide_as_the_reach_tiles_answer_as_the_whole(tiling, size, seed):
    frame = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    with Detector(tiling, backend=Looking) as detector:
        result = detector(frame)
    # The network's own padding begins where the last tile ends, which is behind the frame's repeated border.
    shown = [max(side, tile) for side, tile in zip(size, TILE, strict=True)]
    padded = np.pad(frame, [(0, shown[0] - size[0]), (0, shown[1] - size[1])], mode="edge")
    whole = look_around({"frame": padded[None]})["mask"][0, : size[0], : size[1]]
    np.testing.assert_array_equal(result.mask, whole)
    assert result.regions == name_regions(find_regions(whole), tiling.manifest.model.classes)
    assert (result.verdict == "accept") == (not whole.any())


def test_without_overlap_seams_show(tmp_path):
    """The test above can fail: without an overlap a white pixel beside a seam is not seen on its other side."""
    bundle = fake_bundle(tmp_path / "b.edgekit", height=HEIGHT, width=WIDTH, fit="tile")
    frame = np.zeros((HEIGHT, 2 * WIDTH), np.uint8)
    frame[5, WIDTH] = 255
    with Detector(bundle, backend=Looking) as detector:
        assert not detector(frame).mask[:, :WIDTH].any()


@settings(deadline=None)
@given(shapes=st.lists(sizes, min_size=1, max_size=5), seed=seeds)
def test_each_frame_of_a_batch_is_answered_as_alone(tiling, shapes, seed):
    generator = np.random.default_rng(seed)
    frames = [generator.integers(0, 256, shape, np.uint8) for shape in shapes]
    with Detector(tiling, backend=Looking) as detector:
        for frame, result in zip(frames, detector.run_batch(frames), strict=True):
            alone = detector(frame)
            np.testing.assert_array_equal(result.mask, alone.mask)
            assert result.regions == alone.regions


def test_a_region_across_seams_is_one(tiling):
    frame = np.zeros((50, 61), np.uint8)
    frame[3:47, 30] = frame[20, 2:59] = 255
    with Detector(tiling, backend=FakeBackend) as detector:
        (region,) = detector(frame).regions
    assert (region.x1, region.y1, region.x2, region.y2) == (2, 3, 59, 47)
    assert region.area_px == 44 + 57 - 1


@pytest.mark.parametrize("size", [TILE, (1, 1), (HEIGHT, 5), (40, 40)])
def test_masks_are_contiguous_and_read_only(tiling, size):
    frames = np.full((3, *size), 255, np.uint8)
    with Detector(tiling, backend=FakeBackend) as detector:
        for result in (detector(frames[0]), *detector.run_batch(frames), *detector.run_batch(list(frames))):
            assert result.mask.shape == size
            assert result.mask.all()
            assert result.mask.flags.c_contiguous
            with pytest.raises(ValueError, match="read-only"):
                result.mask[0, 0] = 0


def test_a_frame_of_one_tile_is_not_copied(tiling):
    seen = []

    class Watched(FakeBackend):
        def _upload_impl(self, array):
            seen.append(array)
            return array

    frames = np.zeros((3, *TILE), np.uint8)
    with Detector(tiling, backend=Watched) as detector:
        for call in (lambda: detector(frames[0]), lambda: detector.run_batch(frames)):
            seen.clear()
            call()
            assert any(np.shares_memory(array, frames) for array in seen)


def test_few_tiles_run_together_however_large_the_frame_is(tiling, monkeypatch):
    monkeypatch.setattr(edgekit_runtime.execution, "MOST_UNCOUNTED_PIXELS", 5 * HEIGHT * WIDTH + 7)
    with Detector(tiling, backend=FakeBackend) as detector:
        result = detector(np.full((100, 100), 255, np.uint8))
        rows = detector.backend.rows["segment"]
    assert max(rows) == 5
    assert sum(rows) == len(plan_grid((100, 100), tiling.manifest.input))
    assert result.mask.all()


def test_a_fixed_batch_is_filled_and_no_filler_is_answered(tmp_path):
    bundle = fake_bundle(tmp_path / "b.edgekit", height=8, width=8, batch=4, fit="tile", overlap=2)
    frames = [np.full(size, 255, np.uint8) for size in [(20, 8), (3, 5), (1, 30)]]
    with Detector(bundle, backend=FakeBackend) as detector:
        results = detector.run_batch(frames)
        assert set(detector.backend.rows["segment"]) == {4}
    assert [result.regions[0].area_px for result in results] == [frame.size for frame in frames]


@pytest.mark.parametrize("pixels", [PixelFormat("bgr"), PixelFormat(bits=12, scale=4095.0)])
def test_colour_and_deep_frames_are_cut_too(tmp_path, pixels):
    bundle = fake_bundle(tmp_path / "b.edgekit", height=8, width=8, pixels=pixels, fit="tile", overlap=2)
    frame = np.zeros((25, 30) if pixels.channels == "grey" else (25, 30, 3), pixels.frame_type)
    frame[5:20, 10:29] = pixels.levels - 1
    with Detector(bundle, backend=FakeBackend) as detector:
        assert [region.area_px for region in detector(frame).regions] == [15 * 19]


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5, 5, 4), (5,)])
def test_what_is_no_frame_is_refused(tiling, shape):
    with Detector(tiling, backend=FakeBackend) as detector, pytest.raises(FrameError, match="height, width"):
        detector(np.zeros(shape, np.uint8))


def test_golden_samples_of_the_tiles_size_are_reproduced(tiling):
    assert verify_bundle(tiling.path, backend=FakeBackend).ok


def test_a_real_graph_answers_frames_of_any_size(tmp_path):
    bundle = segment_bundle(tmp_path / "real.edgekit", fit="tile")
    frame = np.random.default_rng(3).integers(0, 256, (113, 75), np.uint8)
    with Detector(bundle, backend="onnxruntime", device="cpu") as detector:
        for result in (detector(frame), *detector.run_batch([frame, frame[:5, :7]])):
            height, width = result.mask.shape
            np.testing.assert_array_equal(result.mask, frame[:height, :width] >= 128)
        assert result.mask.shape == (5, 7)
