"""Class 6: a dense black-and-white grain with a long dark scratch made of merged black dots.

Every number is a statistic of real DAGM 2007 class 6 images; ranges reach somewhat beyond the spread measured
between images, so that a network trained on these images has seen the real ones' variation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.noise import Field, Frame, radial_noise, tabulated_spectrum
from edgekit.data.synthetic.stamps import sum_dots
from edgekit.data.synthetic.tones import map_quantiles

_Values = npt.NDArray[np.float64]

#: Radial power spectrum of the grain after its histogram was made normal, cycles per 512 px.
_SPECTRUM = tabulated_spectrum(
    (1.0, 2.0, 3.0, 4.25, 6.0, 8.5, 12.0, 16.5, 22.0, 28.5, 36.0, 45.0, 57.5,
     72.5, 90.0, 112.5, 137.5, 165.0, 195.0, 233.0, 300.0),
    (2.66, 2.28, 2.19, 1.95, 1.81, 1.72, 1.63, 1.54, 1.36, 1.24, 1.05, 0.93, 0.70,
     0.46, 0.20, -0.10, -0.42, -0.76, -1.13, -1.65, -2.40),
)  # fmt: skip

#: Grey level at each normal quantile of the defect-free grain.
_TONE_Z = (-3.09, -2.33, -1.64, -1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28, 1.64, 2.33, 3.09)
_TONE_GREY = (0.5, 4.0, 12.0, 18.0, 32.0, 47.0, 65.0, 86.0, 111.0, 139.0, 172.0, 207.0, 227.0, 247.0, 255.5)

#: Standard deviation of one black dot of the scratch, in reference pixels.
_DOT_SIGMA = (1.3, 2.2)
#: Spread of the dots across the scratch, in semi-minor axes.
_DOT_SPREAD = (0.34, 0.50)
#: Expected sum of dot heights on the centre line; above 1 blackens most of the grain and spares bright spots.
_DOT_DENSITY = (0.7, 1.7)
#: Darkening by one dot, in standard deviations of the grain; 3 turns an average pixel black.
_DOT_STRENGTH = (2.6, 4.0)
#: White noise of the camera in grey levels: half of the blackest real pixels are 0, their deviation is 4.
_NOISE = (3.0, 6.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a scratch along ``ellipse`` where there is one."""
    field = _paint_grain(rng, frame)
    if ellipse is not None:
        strength = np.float32(rng.uniform(*_DOT_STRENGTH))
        dots: Field = np.minimum(_stamp_scratch(rng, frame, ellipse), np.float32(1.6))
        field = field - strength * dots
    noise = rng.standard_normal(frame.shape, dtype=np.float32) * np.float32(rng.uniform(*_NOISE))
    return map_quantiles(field, _TONE_Z, _TONE_GREY) + noise


def _paint_grain(rng: np.random.Generator, frame: Frame) -> Field:
    # The grain leans by less than a fifth either way; illumination is stronger from left to right.
    stretch, angle = float(rng.uniform(0.82, 1.22)), float(rng.uniform(0.0, np.pi))
    zoom = np.float32(np.exp(rng.normal(0.0, 0.06)))
    field = radial_noise(rng, frame, lambda radius: _SPECTRUM(radius * zoom), stretch=stretch, angle=angle)
    columns = np.linspace(0.0, 1.0, frame.width, dtype=np.float32)[None, :]
    rows = np.linspace(0.0, 1.0, frame.height, dtype=np.float32)[:, None]
    bands = _wave(rng, columns, 0.20) + _wave(rng, rows, 0.08)
    gain, offset = np.float32(rng.normal(0.98, 0.05)), np.float32(rng.normal(-0.07, 0.16))
    shaded: Field = gain * field + bands + offset
    return shaded


def _wave(rng: np.random.Generator, position: Field, amplitude: float) -> Field:
    """Return one slow wave of illumination over ``position`` in 0..1."""
    cycles, phase = rng.uniform(0.4, 2.0), rng.uniform(0.0, 2.0 * np.pi)
    height = amplitude * abs(rng.normal(0.0, 1.0))
    wave: Field = np.float32(height) * np.sin(np.float32(2.0 * np.pi * cycles) * position + np.float32(phase))
    return wave


def _stamp_scratch(rng: np.random.Generator, frame: Frame, ellipse: Ellipse) -> Field:
    """Return the sum of the scratch's dots, (H, W), 1 at the centre of a lone dot."""
    sigma, spread, density = rng.uniform(*_DOT_SIGMA), rng.uniform(*_DOT_SPREAD), rng.uniform(*_DOT_DENSITY)
    # Dots are even along the unit disc's chords and normal across: density is then the same on the whole
    # centre line, and the scratch narrows with its ellipse.
    minor, major = ellipse.semi_minor / frame.scale, ellipse.semi_major / frame.scale
    per_length = density * spread * minor / (np.sqrt(2.0 * np.pi) * sigma**2)
    count = int(rng.poisson(per_length * major * np.pi / 2.0))
    u = np.sqrt(rng.uniform(0.0, 1.0, count)) * np.cos(rng.uniform(0.0, 2.0 * np.pi, count))
    half_width = np.sqrt(1.0 - u * u)
    v = half_width * (rng.normal(0.0, spread, count) + _wander(rng, u))
    keep = rng.uniform(0.0, 1.0, count) < _thinning(rng, u)
    x, y = ellipse.to_image(u[keep], v[keep])
    return sum_dots(frame, x, y, sigma)


def _wander(rng: np.random.Generator, u: _Values) -> _Values:
    """Return how far the scratch leaves the axis at ``u``, in semi-minor axes."""
    offset = np.full(u.shape, rng.normal(0.0, 0.05))
    for cycles in (0.7, 1.6, 3.5):
        offset += rng.normal(0.0, 0.07) * np.sin(np.pi * cycles * u + rng.uniform(0.0, 2.0 * np.pi))
    return offset


def _thinning(rng: np.random.Generator, u: _Values) -> _Values:
    """Return the share of dots kept at ``u``: gaps along the scratch and weaker ends."""
    keep = np.ones(u.shape)
    for cycles in (1.3, 3.0, 6.0):
        keep += rng.normal(0.0, 0.14) * np.sin(np.pi * cycles * u + rng.uniform(0.0, 2.0 * np.pi))
    ends = np.clip((1.0 - np.abs(u)) / 0.22, 0.15, 1.0)
    share: _Values = np.clip(keep, 0.25, 1.0) * ends
    return share
