"""Slubs: thick places of a pick. They belong to good cloth, and are what a broken pick is taken for."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.marks import Mark, Place, Stamp

#: Length in pixels; how far a slub swells over its pick, in picks; its brightness.
_LENGTH, _SWELLING, _BRIGHT = (18.0, 90.0), (0.5, 0.75), (0.85, 1.05)

_THROUGH = 0.45
"""Share of the weave that shows through: the ends still cross over it."""

HEIGHT = 12
"""Rows above and below its middle that a slub may cover."""


class Slub(Mark):
    """A thick place."""

    @staticmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:
        """Return a place around (y, x) for a slub."""
        half = min(int(0.5 * rng.uniform(*_LENGTH)) + 1, room // 2)
        return Place(x - half, y - HEIGHT, x + half, y + HEIGHT)

    def draw(self, cloth: Cloth) -> Stamp:
        """Return the slub on this cloth; no pixel of it is a defect."""
        rng = self.generator()
        _, x = self.grid()
        threads = self.find_threads(cloth)
        pick = threads.pick[threads.pick.shape[0] // 2, threads.pick.shape[1] // 2]
        across = (threads.pick - pick).astype(np.float32) + threads.v - np.float32(0.5)
        half = np.float32(0.5 * x.size)
        swollen = np.float32(rng.uniform(*_SWELLING)) * np.sqrt(np.float32(1.0) - np.square(x / half))
        part = across / np.maximum(swollen, np.float32(1e-3))
        covered = np.abs(part) < 1.0
        tone = np.float32(rng.uniform(*_BRIGHT) * cloth.weft_tone)
        levels = tone * (np.float32(1.0) - np.float32(0.4) * np.square(part))
        add = np.where(covered, np.float32(1.0 - _THROUGH) * levels, np.float32(0.0)).astype(np.float32)
        keep = np.where(covered, np.float32(_THROUGH), np.float32(1.0)).astype(np.float32)
        return Stamp(self.place, keep, add, np.zeros(covered.shape, np.bool_))
