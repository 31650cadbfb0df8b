"""Class 4: a bright sheet creased around a centre, with one dark cut across or beside the creases.

Mean 165 to 185 and standard deviation 18 grey levels; lit from the upper left.
"""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain, positions
from edgekit.data.synthetic.relief import emboss
from edgekit.data.synthetic.stamps import count_points
from edgekit.data.synthetic.strokes import bowed_path, broken, draw_stroke

_CREASES = (150, 200)
#: Direction the light comes from; the lower right flank of a crease is dark.
_LIGHT = np.radians(-135.0)
#: Grey levels of the sheet, its fine grain and one crease.
_MEAN, _GRAIN, _CREASE = (163.0, 188.0), (6.0, 7.5), (210.0, 280.0)
#: How much darker than the sheet the cut is, in grey levels.
_CUT = (45.0, 75.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a cut along ``ellipse`` where there is one."""
    center = rng.uniform(240.0, 285.0, 2)
    creases = _emboss_creases(rng, frame, center)
    creases = np.clip(np.float32(rng.uniform(*_CREASE)) * creases, -75.0, 50.0)
    sheet = np.float32(rng.uniform(*_MEAN)) + slope(rng, frame, 13.0)
    plain = sheet + creases + np.float32(rng.uniform(*_GRAIN)) * grain(rng, frame, 0.65)
    grey: Field = _paint_hub(rng, frame, plain, center)
    if ellipse is not None:
        path = bowed_path(rng, ellipse, bow=0.35, wobble=0.05)
        thin = draw_stroke(frame, ellipse, path, np.ones(path[0].size, dtype=np.bool_), sigma=1.1)
        beads = draw_stroke(frame, ellipse, path, broken(rng, path[0].size, share=0.1, run=6), sigma=1.9)
        cut: Field = np.minimum(thin + 0.5 * beads, np.float32(1.2))
        grey = grey - np.float32(rng.uniform(*_CUT)) * cut
    return grey


def _emboss_creases(rng: np.random.Generator, frame: Frame, center: np.ndarray) -> Field:
    """Return the shading (H, W) of the creases and of a fainter dimpled ground."""
    height = _stamp_creases(rng, frame, center) + np.float32(0.2) * rng.standard_normal(
        frame.shape, np.float32
    )
    return emboss(height, frame, float(rng.uniform(1.9, 2.4)), float(_LIGHT))


def _stamp_creases(rng: np.random.Generator, frame: Frame, center: np.ndarray) -> Field:
    """Return the height (H, W) of creases that run outwards from ``center``: (y, x) in reference px."""
    count = int(rng.integers(*_CREASES))
    angle = rng.uniform(0.0, 2.0 * np.pi, count)[:, None]
    start = rng.exponential(25.0, count)[:, None] + 8.0
    length = rng.uniform(60.0, 280.0, count)[:, None]
    bend = rng.normal(0.0, 7e-4, count)[:, None]
    part = np.linspace(0.0, 1.0, max(32, int(320 * frame.scale)))[None, :]
    radius = start + part * length
    direction = angle + bend * radius
    x = (center[1] + radius * np.cos(direction)) * frame.scale
    y = (center[0] + radius * np.sin(direction)) * frame.scale
    # A crease is highest in its middle; the division makes its height independent of the number of points.
    strength = rng.normal(0.0, 1.0, count)[:, None] * np.sin(np.pi * part) ** 0.5 * length / part.size
    return count_points(frame, x.ravel(), y.ravel(), strength.ravel() * frame.scale)


def _paint_hub(rng: np.random.Generator, frame: Frame, grey: Field, center: np.ndarray) -> Field:
    """Return ``grey`` with the blotch where all creases meet, about 10 reference pixels in radius."""
    y, x = positions(frame)
    distance = np.hypot(y - np.float32(center[0]), x - np.float32(center[1]))
    hub = np.clip((np.float32(rng.uniform(8.0, 12.0)) - distance) / 4.0 + 0.5, 0.0, 1.0)
    blended: Field = grey + np.float32(0.65) * hub * (np.float32(rng.uniform(95.0, 125.0)) - grey)
    return blended
