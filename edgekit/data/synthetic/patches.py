"""Irregular soft patches inside an ellipse, for defects that are a region and not a line."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.noise import Field, Frame


def soft_patch(
    rng: np.random.Generator, frame: Frame, ellipse: Ellipse, *, reach: float = 0.68, softness: float = 0.2
) -> Field:
    """Return how far each pixel (H, W) belongs to a patch, 0..1: a lobed shape within the ellipse.

    ``reach`` is the mean radius in semi-axes, ``softness`` the width of its edge. The label's
    ellipse is larger than the defect, as in DAGM 2007, so ``reach`` is well below 1.
    """
    u, v = ellipse.coordinates(frame)
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    outline = np.full(frame.shape, np.float32(reach))
    for lobes in (2, 3, 5):
        size = np.float32(rng.uniform(0.03, 0.09))
        outline += size * np.cos(np.float32(lobes) * angle + np.float32(rng.uniform(0.0, 2.0 * np.pi)))
    inside: Field = np.clip((outline - radius) / np.float32(softness) + np.float32(0.5), 0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)
