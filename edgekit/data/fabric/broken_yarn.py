"""`broken-yarn`: a stretch of one to three picks is missing, and the ends fray."""

from __future__ import annotations

import numpy as np

from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.crossings import Field
from edgekit.data.fabric.marks import Inside, Mark, Place, Stamp

#: Length of the gap in pixels; rows above and below it that hairs may reach.
_LENGTH, _REACH = (40.0, 160.0), 12

#: Picks that are missing at most: those beside a broken one are drawn along.
_PICKS = 3

#: The warp lies lower where nothing carries it. Hairs catch the light.
_SUNKEN, _BRIGHT, _HAIR_PX = 0.62, 1.0, 0.9

_HAIRS, _POINTS = 2, 16


class BrokenYarn(Mark):
    """A broken pick."""

    @staticmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:
        """Return a place around (y, x) for a broken pick."""
        half = min(int(0.5 * rng.uniform(*_LENGTH)) + _REACH, room // 2)
        reach = min(2 * _REACH, room // 2)
        return Place(x - half, y - reach, x + half, y + reach)

    def draw(self, cloth: Cloth) -> Stamp:
        """Return the gap and its hairs on this cloth."""
        rng = self.generator()
        y, x = self.grid()
        threads = self.find_threads(cloth)
        middle = y.size // 2
        pick = threads.pick[middle, x.size // 2]
        half = 0.5 * x.size - _REACH
        # One pick, it and the one above, or both beside it too.
        missing = int(rng.integers(1, _PICKS + 1))
        gap = (np.abs(2 * (threads.pick - pick) + 1 - missing % 2) < missing) & (np.abs(x) < half)
        levels = cloth.warp_alone(threads) * np.float32(_SUNKEN)
        add = np.where(gap, levels, np.float32(0.0))
        hairs = np.zeros(gap.shape, np.bool_)
        for side in (-1.0, 1.0):
            # The weft is askew: the pick does not leave the gap in the row in which it entered.
            column = int(np.clip(x.size // 2 + side * half, 0, x.size - 1))
            rows = y[:, 0][threads.pick[:, column] == pick]
            start = float(rows.mean()) if rows.size else 0.0
            hairs |= _draw_hairs(rng, y - np.float32(start), x - np.float32(side * half), toward=-side)
        add = np.where(hairs, np.float32(_BRIGHT * cloth.weft_tone), add)
        inside = gap | hairs
        return Stamp(self.place, (~inside).astype(np.float32), add.astype(np.float32), inside)


def _draw_hairs(rng: np.random.Generator, y: Field, x: Field, *, toward: float) -> Inside:
    """Return the pixels of curled hairs that begin at (0, 0), most of them `toward` the gap (1 or -1 along x)."""
    drawn = np.zeros(np.broadcast_shapes(y.shape, x.shape), np.bool_)
    for _ in range(_HAIRS):
        length, heading, curl = rng.uniform(4.0, 11.0), rng.uniform(-1.3, 1.3), rng.uniform(-0.25, 0.25)
        step = length / _POINTS
        rise, run = np.float32(0.0), np.float32(0.0)
        for part in range(_POINTS):
            drawn |= (y - rise) ** 2 + (x - run) ** 2 < _HAIR_PX**2
            direction = heading + curl * part * step
            rise += np.float32(step * np.sin(direction))
            run += np.float32(toward * step * np.cos(direction))
    return drawn
