"""`end-out`: one warp end is missing, for centimetres or metres; a thin line along the web."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.marks import Mark, Place, Stamp

LONGEST = 4096
"""Rows of the longest missing end: how far back one has to look for what still runs."""

_SHORTEST = 300

#: The weft sags where no end carries it, most in the middle of the gap.
_SUNKEN, _GAP = 0.8, 0.28


class EndOut(Mark):
    """A missing warp end."""

    @staticmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:  # noqa: ARG004
        """Return a place from row y on, wide enough for the end at column x and its neighbours' borders."""
        length = int(np.exp(rng.uniform(np.log(_SHORTEST), np.log(LONGEST))))
        return Place(x - 12, y, x + 12, y + length)

    def draw(self, cloth: Cloth) -> Stamp:
        """Return the line on this cloth."""
        threads = self.find_threads(cloth)
        end = threads.end[0, threads.end.size // 2]
        missing = np.broadcast_to(threads.end == end, threads.pick.shape)
        hollow = np.float32(1.0) - np.square(np.float32(2.0) * threads.u - np.float32(1.0))
        levels = cloth.weft_alone(threads) * (np.float32(_SUNKEN) - np.float32(_GAP) * hollow)
        add = np.where(missing, levels, np.float32(0.0)).astype(np.float32)
        return Stamp(self.place, (~missing).astype(np.float32), add, np.array(missing))
