"""The rotated ellipse around a defect: its place, its label mask and its own coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic.kinds import Kind
from edgekit.data.synthetic.noise import Field, Frame

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in image pixels: centre, semi-axes and the angle of the major axis in radians."""

    center_x: float
    center_y: float
    semi_major: float
    semi_minor: float
    angle: float

    def coordinates(self, frame: Frame) -> tuple[Field, Field]:
        """Return (u, v), each (H, W): position along the major and minor axis in semi-axes."""
        y = np.arange(frame.height, dtype=np.float32)[:, None] - np.float32(self.center_y)
        x = np.arange(frame.width, dtype=np.float32)[None, :] - np.float32(self.center_x)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        u = (x * cos + y * sin) / np.float32(self.semi_major)
        v = (y * cos - x * sin) / np.float32(self.semi_minor)
        return u.astype(np.float32, copy=False), v.astype(np.float32, copy=False)

    def mask(self, frame: Frame) -> Mask:
        """Return the filled ellipse, uint8 (H, W) in {0, 1}, clipped at the frame."""
        u, v = self.coordinates(frame)
        return (u * u + v * v <= 1.0).astype(np.uint8)

    def to_image(self, u: npt.ArrayLike, v: npt.ArrayLike) -> tuple[Field, Field]:
        """Return image (x, y) in pixels of points given in semi-axes."""
        along = np.asarray(u, dtype=np.float32) * np.float32(self.semi_major)
        across = np.asarray(v, dtype=np.float32) * np.float32(self.semi_minor)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        x: Field = np.float32(self.center_x) + along * cos - across * sin
        y: Field = np.float32(self.center_y) + along * sin + across * cos
        return x, y


def sample_ellipse(rng: np.random.Generator, kind: Kind, frame: Frame) -> Ellipse:
    """Draw the place and shape of one defect of ``kind``: its centre is inside the frame."""
    area = kind.drawn_area_px * float(np.exp(rng.normal(-0.5 * kind.area_spread**2, kind.area_spread)))
    elongation = float(rng.uniform(*kind.elongation))
    margin = kind.margin
    return Ellipse(
        center_x=float(rng.uniform(margin, 1.0 - margin)) * frame.width,
        center_y=float(rng.uniform(margin, 1.0 - margin)) * frame.height,
        semi_major=float(np.sqrt(area * elongation / np.pi)) * frame.scale,
        semi_minor=float(np.sqrt(area / elongation / np.pi)) * frame.scale,
        angle=float(rng.uniform(*kind.angle)),
    )
