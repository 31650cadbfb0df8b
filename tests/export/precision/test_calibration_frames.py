from __future__ import annotations

import numpy as np
import pytest

from edgekit_export.precision.calibration_frames import check_calibration_frames
from edgekit_runtime.errors import DatasetError, FrameError


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_usual_frames_pass():
    check_calibration_frames([noise(4, 6), np.zeros((4, 6), np.uint8)], (4, 6))
    check_calibration_frames([noise(4, 6, 3)], (4, 6, 3))


def test_no_frame():
    with pytest.raises(DatasetError, match="at least one image"):
        check_calibration_frames([], (4, 6))


@pytest.mark.parametrize(
    "frame", [noise(4, 5), noise(6, 4), noise(4, 6, 3), noise(4, 6).astype(np.float32), noise(4, 6)[0]]
)
def test_a_foreign_frame_is_named_with_the_size_that_is_wanted(frame):
    with pytest.raises(FrameError, match=r"Image 1 .* uint8 \(4, 6\)") as caught:
        check_calibration_frames([noise(4, 6), frame], (4, 6))
    assert "4x6" in caught.value.remedy


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)])
def test_frames_of_one_colour_each(shape):
    frames = [np.full(shape, value, np.uint8) for value in (0, 90, 255)]
    with pytest.raises(DatasetError, match=r"All 3 images .* one colour"):
        check_calibration_frames(frames, shape)


def test_a_colour_whose_channels_differ_is_one_colour():
    frame = np.broadcast_to(np.array([1, 2, 3], np.uint8), (4, 6, 3))
    with pytest.raises(DatasetError, match="one colour"):
        check_calibration_frames([frame], (4, 6, 3))
