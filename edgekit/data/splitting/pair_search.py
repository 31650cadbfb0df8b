"""Every image compared with every other one, in blocks: which pairs look alike, in which orientation, and how much.

Thousands of parts in one fixture make millions of pairs, hence arrays and matrix products instead of objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.splitting.likeness import SIDE, Look, measure_norms
from edgekit.data.splitting.perceptual_hash import ORIENTATIONS, count_differing_bits, orient

MAX_DISTANCE = 10
"""Of 63 bits. Unrelated pictures differ by 31.5 on average, and rarely by less than 16 in the best orientation."""

MIN_CORRELATION = 0.85

PAIR = np.dtype(
    [
        ("first", np.int32),
        ("second", np.int32),
        ("distance", np.uint8),
        ("correlation", np.float64),
        ("orientation", np.int8),
        ("detailed", np.bool_),
    ]
)
"""Two positions; the hashes' distance; the correlation of the outlines; what turns the first into the second; whether
the details correlate as much, too."""

Pairs = npt.NDArray[np.void]
"""An array of `PAIR`."""

_BLOCK = 128
"""Images compared with all others at a time: with 5,000 others, arrays of 5 MB."""


class PairSearch:
    """The looks of some images as arrays.

    Args:
        looks: One or more.
    """

    def __init__(self, looks: Sequence[Look]) -> None:
        self._hashes = np.stack([look.hashes for look in looks])
        self._outlines = np.stack([look.outline for look in looks])
        self._details = np.stack([look.detail for look in looks])
        self._outline_norms = measure_norms(self._outlines)
        self._detail_norms = measure_norms(self._details)

    def find_pairs(self) -> Pairs:
        """Return the pairs whose hashes and outlines agree, each once and in its best orientation."""
        starts = range(0, len(self._hashes), _BLOCK)
        return np.concatenate([self._compare_block(start) for start in starts])

    def _compare_block(self, start: int) -> Pairs:
        rows = slice(start, start + _BLOCK)
        shape = (len(self._hashes[rows]), len(self._hashes) - start)
        best = np.zeros(shape, PAIR)
        best["first"] = start + np.arange(shape[0])[:, None]
        best["second"] = start + np.arange(shape[1])[None, :]
        later = best["second"] > best["first"]
        for way in range(len(ORIENTATIONS)):
            distance = count_differing_bits(self._hashes[rows, way, None], self._hashes[None, start:, 0])
            self._compare_oriented(best, rows, way, distance, (distance <= MAX_DISTANCE) & later)
        return best[best["correlation"] >= MIN_CORRELATION]

    def _compare_oriented(
        self,
        best: Pairs,
        rows: slice,
        way: int,
        distance: npt.NDArray[np.uint8],
        alike: npt.NDArray[np.bool_],
    ) -> None:
        """Enter into `best` (R, C) what looks more alike in one orientation than in those before."""
        columns = np.flatnonzero(alike.any(axis=0))
        if not len(columns):
            return
        others = rows.start + columns
        known = best[:, columns]
        outline = _correlate(self._outlines, self._outline_norms, rows, others, way)
        better = alike[:, columns] & (outline >= MIN_CORRELATION) & (outline > known["correlation"])
        if not better.any():
            return
        detail = _correlate(self._details, self._detail_norms, rows, others, way)
        known["correlation"][better] = outline[better]
        known["distance"][better] = distance[:, columns][better]
        known["orientation"][better] = way
        known["detailed"][better] = detail[better] >= MIN_CORRELATION
        best[:, columns] = known


def _correlate(
    pictures: npt.NDArray[np.int16],
    norms: npt.NDArray[np.float64],
    rows: slice,
    others: npt.NDArray[Any],
    way: int,
) -> npt.NDArray[np.float64]:
    """Return the correlations (R, C) of some small pictures, turned, with others as they stand.

    Rounded, so that no comparison hangs on the last bit; float32 sums these products exactly, see `likeness`.
    """
    turned = _flatten(orient(pictures[rows], way))
    dots = (turned @ _flatten(pictures[others]).T).astype(np.float64)
    rounded: npt.NDArray[np.float64] = np.round(dots / (norms[rows, None] * norms[None, others]), 6)
    return rounded


def _flatten(pictures: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    return pictures.reshape(len(pictures), SIDE * SIDE).astype(np.float32)
