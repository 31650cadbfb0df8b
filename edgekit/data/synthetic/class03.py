"""Class 3: a brushed plate with crossing ripples, bent in one patch.

Grey level 120 on average; the dent bends the ripples without making the plate darker or brighter.
"""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import REFERENCE_SIDE, Field, Frame, grain, positions, radial_noise
from edgekit.data.synthetic.patches import soft_patch

#: Ripple length in reference pixels, and grey levels of the ripples and of the brushing.
_RIPPLE, _RIPPLE_GREY, _BRUSH_GREY = (13.0, 19.0), (16.0, 22.0), (15.0, 19.0)
#: How far the dent shifts the ripples, in radians; half a wave is plain to see.
_BEND = (2.4, 3.6)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a dent in ``ellipse`` where there is one."""
    warp = 1.2 * grain(rng, frame, 38.0)
    brush = _brush(rng, frame)
    if ellipse is not None:
        patch = soft_patch(rng, frame, ellipse, reach=0.7, softness=0.25)
        warp = warp + np.float32(rng.uniform(*_BEND) * rng.choice((-1.0, 1.0))) * patch
        brush = brush * (1.0 - 0.85 * patch)
    heading = float(rng.uniform(0.0, np.pi))
    # The two sets of ripples are crossed at 60 to 90 degrees and the dent bends them in opposite senses.
    ripples = _ripple(rng, frame, warp, heading) + _ripple(
        rng, frame, -warp, heading + rng.uniform(1.05, 1.57)
    )
    level = np.float32(rng.uniform(108.0, 132.0)) + slope(rng, frame, 8.0)
    grey: Field = level + np.float32(rng.uniform(*_RIPPLE_GREY)) * ripples + brush
    return grey


def _brush(rng: np.random.Generator, frame: Frame) -> Field:
    """Return brushing in grey levels (H, W): grain drawn out eightfold in a nearly horizontal direction."""
    strokes = radial_noise(
        rng, frame, lambda radius: np.exp(-np.square(radius / np.float32(110.0))), stretch=8.0,
        angle=float(rng.normal(0.0, 0.1)),
    )  # fmt: skip
    return strokes * np.float32(rng.uniform(*_BRUSH_GREY))


def _ripple(rng: np.random.Generator, frame: Frame, warp: Field, heading: float) -> Field:
    """Return a wave (H, W) of amplitude 1 that runs along ``heading``, its phase shifted by ``warp``."""
    y, x = positions(frame)
    number = 2.0 * np.pi / rng.uniform(*_RIPPLE)
    phase = x * np.float32(number * np.cos(heading)) + y * np.float32(number * np.sin(heading)) + warp
    wave: Field = np.sin(phase + np.float32(rng.uniform(0.0, REFERENCE_SIDE)))
    return wave
