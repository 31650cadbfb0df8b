"""`hole`: yarns are gone, and the roller behind the cloth shows, flat and about as bright as the cloth is."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.blobs import measure_blob, ramp
from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.marks import Mark, Place, Stamp

#: Largest radius in pixels; the roller's brightness and its shadowed rim's, as shares of the yarns' crests.
_RADIUS, _ROLLER, _RIM = (10.0, 36.0), (0.45, 0.75), 0.6


class Hole(Mark):
    """A hole with frayed sides."""

    @staticmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:
        """Return a place around (y, x) for a hole."""
        half = min(int(rng.uniform(*_RADIUS)) + 1, room // 2)
        return Place(x - half, y - half, x + half, y + half)

    def draw(self, cloth: Cloth) -> Stamp:
        """Return the hole on this cloth."""
        rng = self.generator()
        y, x = self.grid()
        threads = self.find_threads(cloth)
        radius = np.float32(0.5 * (self.place.x2 - self.place.x1))
        # Each pick is torn off at a length of its own.
        torn = rng.uniform(0.8, 1.0, 64).astype(np.float32)[threads.pick % 64]
        distance = measure_blob(rng, y / radius, x / (radius * torn), lobes=0.18)
        depth = (np.float32(1.0) - distance) * radius
        inside = depth > 0.0
        roller = rng.uniform(*_ROLLER) * min(cloth.warp_tone, cloth.weft_tone)
        shadow = ramp(depth, width=3.0) * np.float32(1.0 - _RIM)
        add = np.where(inside, np.float32(roller) * (np.float32(1.0) - shadow), np.float32(0.0))
        return Stamp(self.place, (~inside).astype(np.float32), add.astype(np.float32), inside)
