"""Lobed outlines, for defects that are patches."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.crossings import Field


def measure_blob(rng: np.random.Generator, y: Field, x: Field, *, lobes: float) -> Field:
    """Return how far each point (h, w) is from the middle of a blob, in its own radii: 1 on its outline.

    Args:
        rng: Decides elongation, direction and lobes.
        y: Places from the middle, (h, 1) or (h, w), in units of the largest radius.
        x: The same across, (1, w) or (h, w).
        lobes: How far the outline goes in and out, as a share of the radius.
    """
    heading, slim = rng.uniform(0.0, np.pi), rng.uniform(0.55, 1.0)
    along = x * np.float32(np.cos(heading)) + y * np.float32(np.sin(heading))
    across = (y * np.float32(np.cos(heading)) - x * np.float32(np.sin(heading))) / np.float32(slim)
    angle = np.arctan2(across, along)
    outline = np.full(angle.shape, 1.0 - lobes, np.float32)
    for count in (2, 3, 5):
        turn = np.float32(rng.uniform(0.0, 2.0 * np.pi))
        outline += np.float32(lobes / 3.0) * np.cos(np.float32(count) * angle + turn)
    radius: Field = (np.hypot(along, across) / outline).astype(np.float32, copy=False)
    return radius


def ramp(values: Field, *, width: float) -> Field:
    """Return 1 for values below 0 and 0 above `width`, smoothly in between."""
    part = np.clip(values / np.float32(width), 0.0, 1.0)
    fall: Field = np.float32(1.0) - part * part * (np.float32(3.0) - np.float32(2.0) * part)
    return fall
