"""Frames of any size for a network that admits only multiples: padded, run, and cropped back.

The one place where this is done; training, evaluation and the runtime call it. Rows and columns are added below and to
the right, so that coordinates stay those of the frame, and repeat the frame's border: black would be an edge that the
network may take for a defect.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)


def padded_size(height: int, width: int, multiple: int) -> tuple[int, int]:
    """Return the smallest (height, width) in pixels that holds the frame and that the network admits."""
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def pad_frame(frame: npt.NDArray[Scalar], size: tuple[int, int]) -> npt.NDArray[Scalar]:
    """Return a frame (H, W) or (H, W, C) with its last row and column repeated up to `size` (height, width).

    The frame itself is returned where it has that size.

    Raises:
        ValueError: If the frame is larger, or has no pixel.
    """
    rows, columns = size[0] - frame.shape[0], size[1] - frame.shape[1]
    if rows < 0 or columns < 0:
        raise ValueError(f"A frame of {frame.shape[0]}×{frame.shape[1]} does not fit {size[0]}×{size[1]}.")
    if not rows and not columns:
        return frame
    widths: Any = [(0, rows), (0, columns)] + [(0, 0)] * (frame.ndim - 2)
    return np.pad(frame, widths, mode="edge")


def crop_back(padded: npt.NDArray[Scalar], height: int, width: int) -> npt.NDArray[Scalar]:
    """Return what answers the frame itself: the first rows and columns of an array (..., H, W), as a view."""
    return padded[..., :height, :width]
