"""Class 8: leathery cells with a cluster of small pits."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain, radial_noise
from edgekit.data.synthetic.stamps import sum_dots

#: Frequency of the cells, cycles per 512 reference pixels; two cells meet at each zero of the field.
_CELLS = (26.0, 36.0)
#: Grey levels of the leather, its furrows and its fine grain.
_MEAN, _FURROW, _GRAIN = (120.0, 145.0), (50.0, 62.0), (9.0, 12.0)
#: Number, radius (reference pixels) and depth (grey levels) of the pits.
_PITS, _PIT_SIGMA, _PIT_DEPTH = (14, 26), (1.7, 2.3), (75.0, 105.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with pits in ``ellipse`` where there is one."""
    rings = float(rng.uniform(*_CELLS))
    field = radial_noise(
        rng, frame, lambda radius: np.exp(-np.square((radius - rings) / np.float32(0.3 * rings)))
    )
    furrows: Field = np.exp(np.float32(-6.0) * np.square(field))
    level = np.float32(rng.uniform(*_MEAN)) + slope(rng, frame, 8.0)
    leather = level - np.float32(rng.uniform(*_FURROW)) * furrows
    grey: Field = leather + np.float32(rng.uniform(*_GRAIN)) * grain(rng, frame, 0.9)
    if ellipse is not None:
        grey = grey - np.float32(rng.uniform(*_PIT_DEPTH)) * _stamp_pits(rng, frame, ellipse)
    return grey


def _stamp_pits(rng: np.random.Generator, frame: Frame, ellipse: Ellipse) -> Field:
    """Return the depth (H, W) of pits scattered over the inner 0.75 of the ellipse, 1 in a lone pit."""
    count = int(rng.integers(*_PITS))
    radius, angle = 0.75 * np.sqrt(rng.uniform(0.0, 1.0, count)), rng.uniform(0.0, 2.0 * np.pi, count)
    x, y = ellipse.to_image(radius * np.cos(angle), radius * np.sin(angle))
    pits: Field = np.minimum(sum_dots(frame, x, y, float(rng.uniform(*_PIT_SIGMA))), np.float32(1.1))
    return pits
