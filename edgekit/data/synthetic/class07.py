"""Class 7: woven cloth with a strip where the threads are shifted."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain, positions
from edgekit.data.synthetic.patches import soft_patch

#: Thread spacing in reference pixels, and how far the threads wander in radians.
_SPACING, _WANDER = (7.0, 10.0), (0.5, 0.9)
#: Grey levels of the threads and of the yarn's fuzz.
_THREADS, _FUZZ = (30.0, 38.0), (12.0, 16.0)
#: Shift of the threads in the fold, in radians, and how much of their contrast it takes.
_SHIFT, _FLATTEN = (2.0, 3.6), (0.35, 0.6)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a fold in ``ellipse`` where there is one."""
    wander = np.float32(rng.uniform(*_WANDER)) * grain(rng, frame, 30.0)
    contrast: Field | np.float32 = np.float32(rng.uniform(*_THREADS))
    level = np.float32(rng.uniform(100.0, 125.0)) + slope(rng, frame, 8.0)
    if ellipse is not None:
        fold = soft_patch(rng, frame, ellipse, reach=0.72, softness=0.3)
        wander = wander + np.float32(rng.uniform(*_SHIFT) * rng.choice((-1.0, 1.0))) * fold
        contrast = contrast * (1.0 - np.float32(rng.uniform(*_FLATTEN)) * fold)
    grey: Field = level + contrast * _weave(rng, frame, wander)
    return grey + np.float32(rng.uniform(*_FUZZ)) * grain(rng, frame, 0.8)


def _weave(rng: np.random.Generator, frame: Frame, wander: Field) -> Field:
    """Return a plain weave (H, W) of about unit variance: warp and weft take turns on top."""
    y, x = positions(frame)
    turn, number = rng.normal(0.0, 0.15), np.pi / rng.uniform(*_SPACING)
    cos, sin = np.float32(number * np.cos(turn)), np.float32(number * np.sin(turn))
    across = x * cos + y * sin + wander
    along = y * cos - x * sin - np.float32(0.7) * wander
    # The product of both waves is the chequerboard of crossings, the squares are the rounded threads.
    crossing, warp, weft = np.sin(across) * np.sin(along), np.cos(2.0 * across), np.cos(2.0 * along)
    woven: Field = np.float32(1.1) * crossing - np.float32(0.45) * (warp + weft)
    return woven
