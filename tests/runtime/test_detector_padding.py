"""Frames that are smaller than a bundle's graph: what is answered is the frame, and nothing of the padding."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime import Detector
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import FrameError
from edgekit_runtime.padding import pad_frame
from edgekit_runtime.regions import find_regions, name_regions
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.onnx_graphs import segment_bundle

SIZE = HEIGHT, WIDTH = 12, 17

sizes = st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH))


@pytest.fixture(scope="module")
def padding(tmp_path_factory):
    classes = ("background", "hole", "stain")
    path = tmp_path_factory.mktemp("pad") / "pad.edgekit"
    return fake_bundle(path, height=HEIGHT, width=WIDTH, classes=classes, fit="pad")


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    return fake_bundle(tmp_path_factory.mktemp("exact") / "exact.edgekit", height=HEIGHT, width=WIDTH)


@given(size=sizes, seed=st.integers(0, 2**32 - 1))
def test_regions_are_those_of_the_cropped_mask(padding, size, seed):
    whole = np.random.default_rng(seed).integers(0, 3, SIZE, np.uint8)
    backend = partial(FakeBackend, answers={"segment": {"mask": whole}})
    with Detector(padding, backend=backend) as detector:
        result = detector(np.zeros(size, np.uint8))
    cropped = whole[: size[0], : size[1]]
    np.testing.assert_array_equal(result.mask, cropped)
    assert result.regions == name_regions(find_regions(cropped), padding.manifest.model.classes)
    assert (result.verdict == "accept") == (not cropped.any())


@given(shapes=st.lists(sizes, min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_each_frame_of_a_batch_is_answered_as_its_padded_frame_and_cropped(padding, exact, shapes, seed):
    generator = np.random.default_rng(seed)
    frames = [generator.integers(0, 256, shape, np.uint8) for shape in shapes]
    with Detector(padding, backend=FakeBackend) as detector, Detector(exact, backend=FakeBackend) as other:
        results = detector.run_batch(frames)
        for frame, result in zip(frames, results, strict=True):
            alone, padded = detector(frame), other(pad_frame(frame, SIZE))
            expected = padded.mask[: frame.shape[0], : frame.shape[1]]
            np.testing.assert_array_equal(result.mask, expected)
            np.testing.assert_array_equal(alone.mask, expected)
            assert result.regions == alone.regions


def test_a_defect_at_the_border_does_not_grow_into_the_padding(padding):
    frame = np.zeros((6, 9), np.uint8)
    frame[4:, 7:] = 255
    with Detector(padding, backend=FakeBackend) as detector:
        (region,) = detector(frame).regions
    assert (region.x1, region.y1, region.x2, region.y2, region.area_px) == (7, 4, 9, 6, 4)


def test_a_defect_in_the_padding_alone_is_none(padding):
    whole = np.ones(SIZE, np.uint8)
    whole[:6, :9] = 0
    with Detector(padding, backend=partial(FakeBackend, answers={"segment": {"mask": whole}})) as detector:
        result = detector(np.zeros((6, 9), np.uint8))
    assert (result.verdict, result.regions, result.mask.any()) == ("accept", (), False)


@pytest.mark.parametrize("size", [SIZE, (HEIGHT, 5), (5, WIDTH), (1, 1)])
def test_masks_are_contiguous_and_read_only(padding, size):
    frames = np.full((3, *size), 255, np.uint8)
    with Detector(padding, backend=FakeBackend) as detector:
        for result in (detector(frames[0]), *detector.run_batch(frames), *detector.run_batch(list(frames))):
            assert result.mask.shape == size
            assert result.mask.flags.c_contiguous
            with pytest.raises(ValueError, match="read-only"):
                result.mask[0, 0] = 0


def test_masks_of_the_graphs_size_are_not_copied(padding):
    seen = []

    class Watched(FakeBackend):
        def _download_impl(self, tensor):
            seen.append(tensor)
            return tensor

    with Detector(padding, backend=Watched) as detector:
        full, small = np.zeros(SIZE, np.uint8), np.zeros((4, 4), np.uint8)
        assert np.shares_memory(detector(full).mask, seen[-1])
        # A small mask that was a view would keep the large one alive.
        assert not np.shares_memory(detector(small).mask, seen[-1])


def test_a_fixed_batch_is_filled_and_no_filler_is_answered(tmp_path):
    bundle = fake_bundle(tmp_path / "b.edgekit", height=8, width=8, batch=4, fit="pad")
    frames = [np.full(size, 255, np.uint8) for size in [(8, 8), (3, 5), (1, 8), (8, 2), (2, 2)]]
    with Detector(bundle, backend=FakeBackend) as detector:
        results = detector.run_batch(frames)
        assert detector.backend.rows == {"segment": [4, 4]}
    assert [result.regions[0].area_px for result in results] == [frame.size for frame in frames]


def test_a_classifying_bundle_answers_the_padded_frame(tmp_path):
    bundle = fake_bundle(tmp_path / "b.edgekit", task="classify", height=4, width=4, fit="pad")
    frame = np.array([[0, 255]], np.uint8)  # three of the four columns become white
    with Detector(bundle, backend=FakeBackend) as detector:
        result = detector(frame)
    assert result.probabilities == {"normal": 0.25, "defect": 0.75}
    assert result.mask is None


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_colour_frames_are_padded_too(tmp_path, channels):
    bundle = fake_bundle(tmp_path / "b.edgekit", height=8, width=8, pixels=PixelFormat(channels), fit="pad")
    frame = np.zeros((5, 6, 3), np.uint8)
    frame[1:3, 2:6] = 255
    with Detector(bundle, backend=FakeBackend) as detector:
        assert [region.area_px for region in detector(frame).regions] == [8]


def test_larger_frames_are_refused_and_smaller_ones_by_a_bundle_that_does_not_pad(padding, exact):
    with Detector(padding, backend=FakeBackend) as detector, pytest.raises(FrameError) as caught:
        detector(np.zeros((HEIGHT + 1, 3), np.uint8))
    assert f"--size {HEIGHT + 1}x{WIDTH}" in caught.value.remedy
    with Detector(exact, backend=FakeBackend) as detector, pytest.raises(FrameError) as caught:
        detector(np.zeros((HEIGHT - 1, WIDTH), np.uint8))
    assert "--fit pad" in caught.value.remedy


def test_a_real_graph_answers_smaller_frames(tmp_path):
    bundle = segment_bundle(tmp_path / "real.edgekit", fit="pad")
    frame = np.random.default_rng(3).integers(0, 256, (13, 29), np.uint8)
    with Detector(bundle, backend="onnxruntime", device="cpu") as detector:
        for result in (detector(frame), *detector.run_batch([frame, frame[:5, :7]])):
            height, width = result.mask.shape
            np.testing.assert_array_equal(result.mask, frame[:height, :width] >= 128)
        assert result.mask.shape == (5, 7)
