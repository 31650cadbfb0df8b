"""Scales of int8 values: symmetric, zero at 0, one for a tensor and one per output channel for weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.int8]
Scales = npt.NDArray[np.float32]

LARGEST_CODE = 127
"""Of weights and of ranges: a number and its negative both have a code, which -128 leaves without a counterpart."""

EMPTY_RANGE = 1.0
"""Range of a tensor that was zero in all images, and of weights that are all zero: any scale keeps a zero."""


def scale_of_range(largest: float) -> Scales:
    """Return the scale, float32 (), at which a magnitude is the code 127; that of `EMPTY_RANGE` for 0."""
    return _scales(np.array(largest))


def quantise_weights(weights: Array, axis: int) -> tuple[Codes, Scales]:
    """Return int8 codes of weights, within half a step of them, and the scale of each output channel.

    Args:
        weights: float32, of any shape.
        axis: Output channels.

    Returns:
        Codes from -127 to 127 in the shape of the weights; float32 scales (channels,).
    """
    others = tuple(index for index in range(weights.ndim) if index != axis)
    scales = _scales(np.abs(weights).max(axis=others, initial=0.0))
    codes = np.rint(weights.astype(np.float64) / spread_over_axis(scales, weights.ndim, axis))
    return np.clip(codes, -LARGEST_CODE, LARGEST_CODE).astype(np.int8), scales


def restore_weights(codes: Codes, scales: Scales, axis: int) -> npt.NDArray[np.float32]:
    """Return what DequantizeLinear makes of the codes."""
    return np.asarray(codes.astype(np.float32) * spread_over_axis(scales, codes.ndim, axis))


def spread_over_axis(scales: Scales, dimensions: int, axis: int) -> Scales:
    """Return scales in a shape that meets an array along one axis."""
    shape = [1] * dimensions
    shape[axis] = -1
    return scales.reshape(shape)


def _scales(largest: Array) -> Scales:
    filled = np.where(largest == 0, EMPTY_RANGE, largest.astype(np.float64))
    # A scale that float32 flushes to zero would divide by it.
    smallest = float(np.finfo(np.float32).smallest_normal)
    return np.asarray(np.maximum(filled / LARGEST_CODE, smallest), np.float32)
