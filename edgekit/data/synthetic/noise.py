"""Random fields with a chosen power spectrum, the raw material of every texture.

Lengths are in reference pixels: pixels of a 512 x 512 image. ``Frame.scale`` turns them into pixels of the
image at hand, so that a smaller image shows the same scene with less detail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

#: Side of the DAGM 2007 images; all measured lengths and frequencies refer to it.
REFERENCE_SIDE = 512


@dataclass(frozen=True)
class Frame:
    """The image to fill: its size in pixels and its pixels per reference pixel."""

    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.height, self.width

    @property
    def scale(self) -> float:
        """Pixels per reference pixel; the square root of the area ratio, so area shares are kept."""
        return float(np.sqrt(self.height * self.width)) / REFERENCE_SIDE


def frequencies(frame: Frame) -> tuple[Field, Field]:
    """Return (fy, fx) of an ``rfft2``, (H, 1) and (1, W // 2 + 1), in cycles per 512 reference px."""
    unit = REFERENCE_SIDE * frame.scale
    fy = np.fft.fftfreq(frame.height)[:, None] * unit
    fx = np.fft.rfftfreq(frame.width)[None, :] * unit
    return fy.astype(np.float32), fx.astype(np.float32)


def positions(frame: Frame) -> tuple[Field, Field]:
    """Return (y, x) of the pixel centres in reference pixels, shaped (H, 1) and (1, W)."""
    y = (np.arange(frame.height, dtype=np.float32)[:, None] + np.float32(0.5)) / np.float32(frame.scale)
    x = (np.arange(frame.width, dtype=np.float32)[None, :] + np.float32(0.5)) / np.float32(frame.scale)
    return y, x


def filter_field(field: Field, gain: Field) -> Field:
    """Multiply the spectrum of ``field`` (H, W) by ``gain`` (H, W // 2 + 1); the borders wrap around."""
    filtered = np.fft.irfft2(np.fft.rfft2(field) * gain, s=field.shape)
    return filtered.astype(np.float32, copy=False)


def shaped_noise(rng: np.random.Generator, frame: Frame, amplitude: Field) -> Field:
    """Return Gaussian noise (H, W), expected mean 0 and variance 1, with this relative amplitude spectrum.

    ``amplitude`` is (H, W // 2 + 1). The variance is normalised over the ensemble, not in each image: what
    little an image varies in contrast by chance stays.
    """
    white = rng.standard_normal(frame.shape, dtype=np.float32)
    gain = amplitude.copy()
    gain[0, 0] = 0.0
    # Columns of the half spectrum other than the first (and the Nyquist one) stand for two coefficients.
    weight = np.full(gain.shape[1], 2.0)
    weight[0] = 1.0
    if frame.width % 2 == 0:
        weight[-1] = 1.0
    power = float((np.square(gain, dtype=np.float64) * weight).sum()) / (frame.height * frame.width)
    return filter_field(white, gain / np.float32(np.sqrt(power)))


def radial_noise(
    rng: np.random.Generator,
    frame: Frame,
    spectrum: Callable[[Field], Field],
    *,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """Return unit noise (H, W) whose amplitude is ``spectrum`` of the frequency.

    Frequencies are in cycles per 512 reference pixels. ``stretch`` > 1 elongates the grain
    along ``angle``, in radians from the x axis towards the y axis.
    """
    fy, fx = frequencies(frame)
    along = fx * np.float32(np.cos(angle)) + fy * np.float32(np.sin(angle))
    across = fy * np.float32(np.cos(angle)) - fx * np.float32(np.sin(angle))
    root = np.float32(np.sqrt(stretch))
    return shaped_noise(rng, frame, spectrum(np.hypot(along * root, across / root)))


def gaussian_gain(frame: Frame, sigma: float) -> Field:
    """Return the transfer function (H, W // 2 + 1) of a Gaussian blur; ``sigma`` in reference pixels."""
    fy, fx = frequencies(frame)
    factor = np.float32(-2.0 * (np.pi * sigma / REFERENCE_SIDE) ** 2)
    gain: Field = np.exp(factor * fy * fy) * np.exp(factor * fx * fx)
    return gain


def grain(rng: np.random.Generator, frame: Frame, sigma: float) -> Field:
    """Return unit noise (H, W) blurred by a Gaussian of ``sigma`` reference pixels."""
    return shaped_noise(rng, frame, gaussian_gain(frame, sigma))


def tabulated_spectrum(frequency: Sequence[float], log10_power: Sequence[float]) -> Callable[[Field], Field]:
    """Return an amplitude spectrum interpolated in a table of log10 power over log frequency."""
    log_frequency = np.log(np.asarray(frequency))
    # An even grid and rounding instead of np.interp over every coefficient: four times as fast.
    low, high, steps = log_frequency[0], log_frequency[-1], 512
    grid = np.linspace(low, high, steps)
    table = (10.0 ** (0.5 * np.interp(grid, log_frequency, log10_power))).astype(np.float32)

    def amplitude(radius: Field) -> Field:
        position = (np.log(np.maximum(radius, np.float32(1e-3))) - np.float32(low)) * np.float32(
            (steps - 1) / (high - low)
        )
        values: Field = table[np.clip(position + 0.5, 0, steps - 1).astype(np.int32)]
        return values

    return amplitude
