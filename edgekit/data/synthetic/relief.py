"""Shade a height field by light from the side, which gives creases a bright and a dark flank."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.noise import REFERENCE_SIDE, Field, Frame, frequencies, gaussian_gain


def emboss_gain(frame: Frame, sigma: float, light: float) -> np.ndarray:
    """Return the transfer function (H, W // 2 + 1) of blurring and then taking the slope to ``light``.

    ``light`` is a direction in radians, ``sigma`` in reference pixels; the slope is per ``sigma``.
    """
    fy, fx = frequencies(frame)
    along = fx * np.float32(np.cos(light)) + fy * np.float32(np.sin(light))
    factor = np.complex64(2j * np.pi * sigma / REFERENCE_SIDE)
    gain: np.ndarray = gaussian_gain(frame, sigma) * along * factor
    return gain


def emboss(field: Field, frame: Frame, sigma: float, light: float) -> Field:
    """Return ``field`` (H, W) blurred and shaded from ``light``; the borders wrap around."""
    shaded = np.fft.irfft2(np.fft.rfft2(field) * emboss_gain(frame, sigma, light), s=field.shape)
    return shaded.astype(np.float32, copy=False)
