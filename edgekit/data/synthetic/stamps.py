"""Stamp many small dots or strokes into a field at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic.noise import Field, Frame, filter_field, gaussian_gain

_Weight = npt.NDArray[np.float64]


def count_points(
    frame: Frame, x: npt.NDArray[Any], y: npt.NDArray[Any], weight: _Weight | None = None
) -> Field:
    """Return how many of the points (in pixels) fall on each pixel, (H, W), or the sum of their weights.

    Points outside the frame are dropped.
    """
    column, row = np.floor(x + 0.5).astype(np.int64), np.floor(y + 0.5).astype(np.int64)
    inside = (column >= 0) & (column < frame.width) & (row >= 0) & (row < frame.height)
    flat = row[inside] * frame.width + column[inside]
    counts = np.bincount(
        flat, None if weight is None else weight[inside], minlength=frame.height * frame.width
    )
    return counts.reshape(frame.shape).astype(np.float32)


def sum_dots(frame: Frame, x: Field, y: Field, sigma: float) -> Field:
    """Return the sum (H, W) of Gaussian bumps of height 1 and ``sigma`` reference px at points in pixels."""
    peak = 2.0 * np.pi * (sigma * frame.scale) ** 2
    return filter_field(count_points(frame, x, y), gaussian_gain(frame, sigma) * np.float32(peak))
