"""The thresholds that a goal asks for, exactly where that can be afforded.

The last two thresholds are taken together (`pair_sweep`). Those before them are tried one by one, depth first: once an
exit's bound is set, the images that it leaves add at least the errors that every later exit makes and the cost of the
next one, and where that is no better than what is known, nothing below is looked at (branch and bound). With the few
candidates of `candidates` the whole tree is done for most bundles; where it is not, the outcome says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.choosing.exits.candidates import (
    SURE,
    Bound,
    Floats,
    bound_of,
    find_places,
    list_bounds,
    place_threshold,
    thin_bounds,
)
from edgekit.choosing.exits.criterion import SUMS, Criterion, Values
from edgekit.choosing.exits.pair_sweep import sweep_pair
from edgekit.choosing.exits.table import ExitCount, ExitTable, count_thresholds

Rows = npt.NDArray[np.intp]
BoundList = tuple[Bound, ...]

MOST_WORK = 24 << 20
"""Pairs of thresholds that are counted before the search gives up on a proof: about a second."""

MOST_CELLS = 1 << 20
"""Pairs at a time: 32 MiB for each of a few arrays."""

WORK_PER_IMAGE = 16
"""What one image adds to a step, in pairs."""

MOST_ROUNDS = 8
"""Of improving pair by pair."""


@dataclass(frozen=True, eq=False)
class ExitSearch:
    """What was chosen.

    Attributes:
        chosen: The best choice.
        exhausted: Whether no thresholds at all do better on these images.
        counted: Combinations of thresholds that were counted.
    """

    chosen: ExitCount
    exhausted: bool
    counted: int


def search_exits(
    table: ExitTable,
    criterion: Criterion,
    *,
    starts: Sequence[Sequence[float]] = (),
    most_work: int = MOST_WORK,
    most_cells: int = MOST_CELLS,
) -> ExitSearch:
    """Return the thresholds of all exits but the last, which keeps its own: it answers in any case.

    Args:
        table: Two exits or more.
        criterion: What decides.
        starts: Thresholds to begin with, beside the bundle's own.
        most_work: Pairs of thresholds that may be counted, roughly.
        most_cells: Those that are counted at a time; of more some are left out.
    """
    walk = _Walk(table, criterion, most_work, most_cells)
    shut = (float(SURE),) * table.exits
    for thresholds in (table.thresholds, shut, *starts):
        walk.consider(thresholds)
    walk.improve()
    exhausted = walk.descend()
    if not exhausted:
        walk.improve()
    thresholds = _place_all(table, walk.best)
    return ExitSearch(count_thresholds(table, thresholds), exhausted, walk.counted)


class _Walk:
    """The best that is known, and what was counted on the way."""

    def __init__(self, table: ExitTable, criterion: Criterion, most_work: int, most_cells: int) -> None:
        self._table, self._criterion = table, criterion
        self._most_work, self._most_cells = most_work, most_cells
        self._adds, self._least = _list_additions(table)
        self._harmful = table.wrong & _look_ahead(~table.wrong)
        self._pair = max(table.exits - 3, 0)
        self._complete = True
        self._work = 0
        self.counted = 0
        self.best: BoundList = ()
        self._rank: tuple[float, ...] = (np.inf,)

    def consider(self, thresholds: Sequence[float]) -> None:
        """Take thresholds that are better than what is known."""
        rank = self._criterion.rank_count(count_thresholds(self._table, thresholds))
        self._take(rank, tuple(bound_of(threshold) for threshold in thresholds))

    def improve(self) -> None:
        """Set neighbouring pairs of bounds anew, the others being as they are, until none gets better."""
        for _ in range(MOST_ROUNDS):
            before = self._rank
            for first in range(self._pair + 1):
                self._improve_pair(first)
            if self._rank == before:
                return

    def descend(self) -> bool:
        """Try all bounds; return whether none was left out that could be better."""
        self._visit(np.arange(len(self._table.defective)), np.zeros(SUMS), ())
        return self._complete

    def _visit(self, rows: Rows, base: Values, chosen: BoundList) -> None:
        """Try the bounds of the exits from here on.

        Args:
            rows: The images that reach this exit.
            base: What the others add, float64 (SUMS,).
            chosen: The bounds of the exits before it.
        """
        level = len(chosen)
        if level == self._pair:
            self._complete &= self._sweep(rows, self._adds[:, rows, -1], base, chosen, ())
            return
        bounds, ranks = self._list_promising(rows, level, base)
        places = find_places(self._table.confidences[rows, level], bounds)
        sums = base[:, None] + _sum_up_to(places, self._adds[:, rows, level], len(bounds))
        for index in np.lexsort(ranks.T[::-1]):
            if tuple(ranks[index].tolist()) >= self._rank:
                return  # and so are all after it
            if self._work >= self._most_work:
                self._complete = False
                return
            self._visit(rows[places > index], sums[:, index], (*chosen, bounds[index]))

    def _list_promising(self, rows: Rows, level: int, base: Values) -> tuple[Floats, Values]:
        """Return the bounds of an exit that may lead to something better, and the least rank that each can lead to.

        Returns:
            float32 (bounds,), falling; float64 (bounds, entries of a rank).
        """
        self._work += WORK_PER_IMAGE * len(rows)
        confidences = self._table.confidences[rows, level]
        bounds = list_bounds(confidences, self._harmful[rows, level])
        places = find_places(confidences, bounds)
        least = self._least[:, rows, level]
        gains = self._adds[:, rows, level] - least
        ranks = self._criterion.rank(
            (base + least.sum(axis=1))[:, None] + _sum_up_to(places, gains, len(bounds))
        )
        table = np.stack(ranks, axis=1)
        kept = [index for index, rank in enumerate(table.tolist()) if tuple(rank) < self._rank]
        return bounds[kept], table[kept]

    def _improve_pair(self, first: int) -> None:
        sure = self._table.confidences > np.array(self.best, np.float32)
        rows = np.flatnonzero(~sure[:, :first].any(axis=1))
        later = sure[rows]
        later[:, : first + 2], later[:, -1] = False, True
        rest = self._adds[:, rows, later.argmax(axis=1)]
        gone = np.flatnonzero(sure[:, :first].any(axis=1))
        base = self._adds[:, gone, sure[gone].argmax(axis=1)].sum(axis=1)
        self._sweep(rows, rest, base, self.best[:first], self.best[first:])

    def _sweep(self, rows: Rows, rest: Values, base: Values, before: BoundList, old: BoundList) -> bool:
        """Set the bounds of two exits together; return whether no bound was left out.

        Args:
            rows: The images that reach the first of the two.
            rest: What they add when neither answers, float64 (SUMS, images).
            base: What the others add, float64 (SUMS,).
            before: The bounds of the exits before the two.
            old: The bounds of the two and of those after them, around which is looked; () where there are none.
        """
        first = len(before)
        second = first + 1
        confidences = self._table.confidences[rows]
        ones, _ = self._list_promising(rows, first, base)
        twos = list_bounds(confidences[:, second], self._harmful[rows, second])
        size = len(ones), len(twos)
        if not len(ones):
            return True
        if len(ones) * len(twos) > self._most_cells:
            near = old[:2] or (None, None)
            most = int(self._most_cells**0.5)
            ones, twos = thin_bounds(ones, most, near[0]), thin_bounds(twos, most, near[1])
        found = sweep_pair(
            (find_places(confidences[:, first], ones), find_places(confidences[:, second], twos)),
            (len(ones), len(twos)),
            (self._adds[:, rows, first], self._adds[:, rows, second], rest),
            base,
            self._criterion,
        )
        self.counted += len(ones) * len(twos)
        self._work += len(ones) * len(twos)
        bounds = (*before, ones[found.first], twos[found.second], *old[2:])
        # With two exits the second is the last, whose bound is none; with more, the last one's is not looked for.
        self._take(found.rank, (*bounds, bound_of(self._table.thresholds[-1]))[: self._table.exits])
        return size == (len(ones), len(twos))

    def _take(self, rank: tuple[float, ...], bounds: BoundList) -> None:
        if rank < self._rank:
            self._rank, self.best = rank, bounds


def _list_additions(table: ExitTable) -> tuple[Values, Values]:
    """Return what an image adds at each exit, and at least after it: float64 (SUMS, images, exits) each."""
    shown = table.defective[:, None]
    macs = np.broadcast_to(table.macs, table.wrong.shape)
    adds = np.stack([table.wrong & shown, table.wrong & ~shown, macs * shown, macs * ~shown]).astype(
        np.float64
    )
    always = table.wrong & ~_look_ahead(~table.wrong)
    doomed = np.roll(always, -1, axis=1)
    later = np.broadcast_to(np.roll(table.macs, -1), table.wrong.shape)
    least = np.stack([doomed & shown, doomed & ~shown, later * shown, later * ~shown]).astype(np.float64)
    return adds, least


def _look_ahead(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return whether a flag is set at any later exit, bool (images, exits)."""
    ahead = np.zeros_like(flags)
    ahead[:, :-1] = np.logical_or.accumulate(flags[:, :0:-1], axis=1)[:, ::-1]
    return ahead


def _sum_up_to(places: npt.NDArray[np.intp], values: Values, size: int) -> Values:
    """Return for each bound what the images add that are surer than it, float64 (SUMS, bounds)."""
    return np.stack([np.bincount(places, value, size + 1)[:size].cumsum() for value in values])


def _place_all(table: ExitTable, bounds: BoundList) -> tuple[float, ...]:
    reaching = np.ones(len(table.defective), np.bool_)
    thresholds = []
    for level, bound in enumerate(bounds[:-1]):
        confidences = table.confidences[:, level]
        threshold = place_threshold(
            confidences[reaching], bound, classes=table.classes, own=table.thresholds[level]
        )
        thresholds.append(threshold)
        reaching &= ~(confidences >= np.float32(threshold))
    return (*thresholds, table.thresholds[-1])
