"""Class 1: a fine weave of interfering waves, smeared out in one patch.

The real images show the beat of chirps sampled too coarsely: mirrored, nested rings and lozenges of one or
two pixels' grain. Mean 69 and standard deviation 27 grey levels, histogram skewed to the bright side.
"""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope, vignette
from edgekit.data.synthetic.noise import Field, Frame, positions
from edgekit.data.synthetic.patches import soft_patch

#: Number of chirps; with fewer the rings are too regular, with more they drown in noise.
_CHIRPS = 7
#: White noise beside the chirps of variance 1: at half this the rings stand out more than in the real ones.
_WHITE = 1.1
#: Logarithm of the median grey level and the weave's standard deviation in it.
_LOG_MEDIAN, _LOG_SPREAD = (4.08, 4.28), (0.31, 0.38)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), smeared in a patch of ``ellipse`` where there is one."""
    weave = _beat_chirps(rng, frame) + _WHITE * rng.standard_normal(frame.shape, dtype=np.float32)
    weave = weave / np.float32(np.sqrt(1.0 + _WHITE**2))
    bowl = vignette(rng, frame, float(rng.uniform(0.0, 0.35))) ** 2 * 3.0
    contrast = np.float32(rng.uniform(*_LOG_SPREAD)) * (1.0 + 0.8 * bowl)
    if ellipse is not None:
        contrast = contrast * (
            1.0 - np.float32(rng.uniform(0.78, 0.92)) * soft_patch(rng, frame, ellipse, reach=0.66)
        )
    level = np.float32(rng.uniform(*_LOG_MEDIAN)) + slope(rng, frame, 0.16) + bowl
    grey: Field = np.exp(level + contrast * weave)
    return grey


def _beat_chirps(rng: np.random.Generator, frame: Frame) -> Field:
    """Return waves (H, W) of variance 1 whose frequency grows from a common axis until it aliases."""
    y, x = positions(frame)
    center_y, center_x = rng.uniform(100.0, 412.0, 2)
    total = np.zeros(frame.shape, dtype=np.float32)
    for _ in range(_CHIRPS):
        # The phase is a sum over x and y, so each wave is two outer products instead of a cosine per pixel.
        row_phase = _chirp_phase(rng, y - np.float32(center_y))
        column_phase = _chirp_phase(rng, x - np.float32(center_x))
        total += np.cos(row_phase) * np.cos(column_phase) - np.sin(row_phase) * np.sin(column_phase)
    return total * np.float32(np.sqrt(2.0 / _CHIRPS))


def _chirp_phase(rng: np.random.Generator, distance: Field) -> Field:
    """Return the phase of a chirp, in radians, at distances from its centre in reference pixels."""
    rate = rng.uniform(0.004, 0.02) * rng.choice((-1.0, 1.0))
    # A quarter to half a cycle per pixel at the centre: the weave is fine everywhere.
    carrier = rng.uniform(0.5 * np.pi, np.pi)
    phase = rng.uniform(0.0, 2.0 * np.pi)
    far = np.abs(distance)
    values: Field = far * (np.float32(rate) * far + np.float32(carrier)) + np.float32(phase)
    return values
