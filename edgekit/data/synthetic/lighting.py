"""Slow changes of brightness across an image."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.noise import Field, Frame


def slope(rng: np.random.Generator, frame: Frame, strength: float) -> Field:
    """Return a plane (H, W) of mean 0; its rise to the edge is normal with deviation ``strength``."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    y = np.linspace(-1.0, 1.0, frame.height, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, frame.width, dtype=np.float32)[None, :]
    height = np.float32(strength * rng.normal(0.0, 1.0))
    plane: Field = height * (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)))
    return plane


def vignette(rng: np.random.Generator, frame: Frame, strength: float) -> Field:
    """Return a bowl (H, W), 0 at a spot near the middle and rising by about ``strength`` to the corners."""
    y = np.linspace(-1.0, 1.0, frame.height, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.4, 0.4))
    x = np.linspace(-1.0, 1.0, frame.width, dtype=np.float32)[None, :] - np.float32(rng.uniform(-0.4, 0.4))
    bowl: Field = np.float32(0.5 * strength) * (x * x + y * y)
    return bowl
