"""Class 10: a rolled sheet with diagonal streaks and a thin jagged crack."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain, radial_noise
from edgekit.data.synthetic.strokes import bowed_path, broken, draw_stroke

#: Grey levels of the sheet, its streaks and its grain.
_MEAN, _STREAKS, _GRAIN = (105.0, 135.0), (20.0, 26.0), (11.0, 15.0)
#: How much darker the crack and how much brighter its rim is, in grey levels.
_CRACK, _RIM = (90.0, 125.0), (25.0, 40.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a crack along ``ellipse`` where there is one."""
    streaks = radial_noise(
        rng, frame, lambda radius: np.exp(-np.square(radius / np.float32(45.0))), stretch=14.0,
        angle=float(rng.normal(np.pi / 4.0, 0.08)),
    )  # fmt: skip
    level = np.float32(rng.uniform(*_MEAN)) + slope(rng, frame, 8.0)
    grey = level + np.float32(rng.uniform(*_STREAKS)) * streaks
    grey = grey + np.float32(rng.uniform(*_GRAIN)) * grain(rng, frame, 0.9)
    return grey if ellipse is None else _paint_crack(rng, frame, ellipse, grey)


def _paint_crack(rng: np.random.Generator, frame: Frame, ellipse: Ellipse, grey: Field) -> Field:
    """Return ``grey`` with a dark broken line and its bright rim."""
    u, v = bowed_path(rng, ellipse, bow=0.4, wobble=0.12)
    # Teeth of about ten points, make it a crack and not a hair.
    teeth = np.interp(
        np.arange(u.size), np.arange(0, u.size + 10, 10), rng.normal(0.0, 0.16, (u.size + 19) // 10)
    )
    path = (u, v + teeth)
    keep = broken(rng, u.size, share=float(rng.uniform(0.8, 0.95)), run=10)
    rim = draw_stroke(frame, ellipse, path, keep, sigma=2.2)
    core = draw_stroke(frame, ellipse, path, keep, sigma=1.1)
    cracked: Field = grey + np.float32(rng.uniform(*_RIM)) * rim
    return cracked - np.float32(rng.uniform(*_CRACK) + _RIM[1]) * core
