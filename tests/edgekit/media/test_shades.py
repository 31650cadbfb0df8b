"""Pictures for people: 8 bits by the stated scale."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.media.shades import shade_frame
from edgekit_runtime.bundle import PixelFormat


def test_frames_of_8_bits_are_as_they_are() -> None:
    frame = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert shade_frame(frame, PixelFormat()) is frame


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_deep_frames_are_shaded_by_the_scale_and_never_by_their_own_maximum(bits: int) -> None:
    pixels = PixelFormat(bits=bits, scale=float(2**bits - 1))
    dark = np.array([[0, 2**bits // 4]], np.uint16)
    assert shade_frame(dark, pixels).tolist() == [[0, 64]]
    assert shade_frame(np.array([[2**bits - 1]], np.uint16), pixels).tolist() == [[255]]


def test_what_is_brighter_than_the_scale_is_white() -> None:
    frame = np.array([[1000, 2000, 4095]], np.uint16)
    assert shade_frame(frame, PixelFormat(bits=12, scale=2000.0)).tolist() == [[128, 255, 255]]
    assert shade_frame(np.array([[40, 201]], np.uint8), PixelFormat(scale=200.0)).tolist() == [[51, 255]]
