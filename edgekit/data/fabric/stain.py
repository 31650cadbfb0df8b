"""`stain`: a patch where the cloth is a little darker or lighter, weave and all."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.blobs import measure_blob, ramp
from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.marks import Mark, Place, Stamp

#: Largest radius in pixels; how much darker a stain is, or, one in three, lighter.
_RADIUS, _DARKER, _LIGHTER, _LIGHT_SHARE = (24.0, 90.0), (0.26, 0.42), (0.2, 0.32), 1.0 / 3.0

#: Width of the outline as a share of the radius. The label's border runs where half of the stain is left.
_SOFT = 0.15


class Stain(Mark):
    """Oil, water or softener."""

    @staticmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:
        """Return a place around (y, x) for a stain."""
        half = min(int(rng.uniform(*_RADIUS)) + 1, room // 2)
        return Place(x - half, y - half, x + half, y + half)

    def draw(self, cloth: Cloth) -> Stamp:  # noqa: ARG002 - a stain looks the same on every cloth
        """Return the stain."""
        rng = self.generator()
        y, x = self.grid()
        radius = np.float32(0.5 * (self.place.x2 - self.place.x1))
        distance = measure_blob(rng, y / radius, x / radius, lobes=0.25)
        share = ramp(distance - np.float32(1.0 - _SOFT), width=_SOFT)
        # Most of it gathers at the rim, as it does where a drop dries.
        body = np.float32(1.0) - np.float32(rng.uniform(0.0, 0.35)) * ramp(distance, width=0.9)
        light = rng.uniform() < _LIGHT_SHARE
        change = rng.uniform(*_LIGHTER) if light else -rng.uniform(*_DARKER)
        keep = np.float32(1.0) + np.float32(change) * share * body
        return Stamp(self.place, keep, np.zeros_like(keep), share > 0.5)
