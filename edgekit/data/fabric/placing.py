"""Where defects and slubs lie on an endless web: each stretch of it draws its own, and none needs the ones before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from edgekit.data.fabric.marks import Mark
from edgekit.data.fabric.positional import Positional, Stream

STRETCH = 512
"""Rows whose marks are drawn together: those that begin there."""

GAP_PX = 8
"""Pixels between two defects at least, so that each is a region of its own."""


@dataclass(frozen=True)
class _Candidate:
    mark: Mark
    rank: float


class Scatter:
    """Marks of some kinds, scattered over a web at a mean density.

    Args:
        kinds: What is scattered, equally often.
        per_row: Mean number of marks that begin in a row of the web.
        longest: Rows of the longest of them.
        apart: Where two would meet, leave out one: by rank, as in Matérn's second hard-core process, so that it is
            known from their surroundings alone. The mean density is lower by that.
        width: Pixels across.
        seed: Decides everything.
        stream: The stream of random numbers.
    """

    def __init__(
        self,
        kinds: Sequence[type[Mark]],
        *,
        per_row: float,
        longest: int,
        apart: bool,
        width: int,
        seed: int,
        stream: Stream,
    ) -> None:
        self._kinds, self._per_row, self._longest, self._apart = tuple(kinds), per_row, longest, apart
        self._width, self._seed, self._random = width, seed, Positional(seed, stream)
        self._salt = int(stream) << 56
        kept = 2 * (longest // STRETCH + 2) + 8
        self._draw = lru_cache(maxsize=2 * kept)(self._draw_stretch)
        self._keep = lru_cache(maxsize=kept)(self._keep_stretch)

    def marks(self, y1: int, y2: int) -> list[Mark]:
        """Return the marks whose places meet rows y1..y2, by where they begin."""
        first = max(0, (y1 - self._longest) // STRETCH)
        found = [mark for stretch in range(first, -(-y2 // STRETCH)) for mark in self._keep(stretch)]
        return [mark for mark in found if mark.place.y1 < y2 and mark.place.y2 > y1]

    def _draw_stretch(self, stretch: int) -> tuple[_Candidate, ...]:
        rng = self._random.generator(stretch)
        drawn = []
        for index in range(int(rng.poisson(self._per_row * STRETCH)) if self._kinds else 0):
            kind = self._kinds[int(rng.integers(len(self._kinds)))]
            y, x = stretch * STRETCH + int(rng.integers(STRETCH)), int(rng.integers(self._width))
            place = kind.find_place(rng, y, x, self._width).move_between_columns(self._width)
            # What is drawn for a stretch begins in it: so it is known where a mark can be found.
            place = place.move_down_to(stretch * STRETCH)
            drawn.append(
                _Candidate(kind(place, self._seed, self._salt + (stretch << 16) + index), rng.random())
            )
        return tuple(drawn)

    def _keep_stretch(self, stretch: int) -> tuple[Mark, ...]:
        own = self._draw(stretch)
        if not self._apart:
            return tuple(candidate.mark for candidate in own)
        reach = (self._longest + GAP_PX) // STRETCH + 1
        around = [
            other
            for number in range(max(0, stretch - reach), stretch + reach + 1)
            for other in self._draw(number)
        ]
        return tuple(
            candidate.mark
            for candidate in own
            if not any(
                other.rank > candidate.rank and other.mark.place.meets(candidate.mark.place, gap=GAP_PX)
                for other in around
            )
        )
