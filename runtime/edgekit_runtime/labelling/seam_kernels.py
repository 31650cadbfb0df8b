"""The compiled labelling of an endless web, band by band: runs of the row above a band come first, linked already.

That row is all of the web so far that a band can touch. Its runs stand before those of the band, and the regions that
they belong to are counted on; the rest is the labelling of one mask (`edgekit_runtime.labelling.kernels`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.types.containers import Tuple

from edgekit_runtime.jit import inline, kernel
from edgekit_runtime.labelling.kernels import (
    AREA,
    CLASS,
    PARENT,
    START,
    STOP,
    X1,
    X2,
    Y1,
    Y2,
    find_runs,
    link_runs,
    reduce_runs,
    sort_rows,
)

_GAPS = (701, 301, 132, 57, 23, 10, 4, 1)
"""Of Shell's sort (Ciura, 2001): regions of the row above come in the order of their columns, which says nothing."""


@inline
def take_seam(seam_runs: Any, runs: Any) -> None:
    """Write the runs of the row above, as they are linked."""
    for run in range(len(seam_runs)):
        for column in range(4):
            runs[run, column] = seam_runs[run, column]


@inline
def reduce_seam(seam_runs: Any, seam_rows: Any, runs: Any, rows: Any) -> Any:
    """Write what is known of the regions of the row above; overwrites their parents, and returns how many they are.

    Where the band has joined some of them, the first run of all of them was the first run of its own.
    """
    seen = 0
    number = 0
    for run in range(len(seam_runs)):
        region = runs[run, PARENT]
        first = region == run
        if first:
            region = seen
            seen += 1
        else:
            region = runs[region, PARENT]
        runs[run, PARENT] = region
        if seam_runs[run, PARENT] == run:
            add_row(rows, region, seam_rows, number, first)
            number += 1
    return seen


@inline
def add_row(rows: Any, region: int, others: Any, other: int, first: bool) -> None:
    """Add a row to that of a region, or begin the region with it."""
    if first:
        for column in range(6):
            rows[region, column] = others[other, column]
        return
    rows[region, X1] = min(rows[region, X1], others[other, X1])
    rows[region, Y1] = min(rows[region, Y1], others[other, Y1])
    rows[region, X2] = max(rows[region, X2], others[other, X2])
    rows[region, Y2] = max(rows[region, Y2], others[other, Y2])
    rows[region, AREA] += others[other, AREA]


@inline
def make_seam(runs: Any, count: int, offset: int, rows: Any) -> Any:
    """Return the runs from a position on, linked, and the rows of their regions in the order of their first runs."""
    begin = count
    while begin > 0 and runs[begin - 1, START] >= offset:
        begin -= 1
    seam_runs = np.empty((count - begin, 4), np.uint32)
    first_runs = np.full(len(rows) if begin < count else 0, -1, np.int64)
    regions = 0
    for run in range(count - begin):
        region = runs[begin + run, PARENT]
        if first_runs[region] < 0:
            first_runs[region] = run
            regions += 1
        seam_runs[run, START] = runs[begin + run, START] - offset
        seam_runs[run, STOP] = runs[begin + run, STOP] - offset
        seam_runs[run, CLASS] = runs[begin + run, CLASS]
        seam_runs[run, PARENT] = first_runs[region]
    seam_rows = np.empty((regions, 6), np.int64)
    number = 0
    for run in range(count - begin):
        if seam_runs[run, PARENT] == run:
            for column in range(6):
                seam_rows[number, column] = rows[runs[begin + run, PARENT], column]
            number += 1
    return seam_runs, seam_rows


@inline
def drop_open(rows: Any, first: int, last: int, kept: int, bottom: int) -> Any:
    """Move rows that end above the bottom to the front, behind those that are kept; return how many there are then."""
    for row in range(first, last):
        if rows[row, Y2] < bottom:
            if kept != row:
                for column in range(6):
                    rows[kept, column] = rows[row, column]
            kept += 1
    return kept


@kernel(
    types.Array(types.uint8, 2, "C", readonly=True),
    types.int64,
    types.int64,
    types.uint32[:, ::1],
    types.int64[:, ::1],
    types.uint32[:, ::1],
    returns=types.optional(Tuple((types.int64[:, ::1], types.uint32[:, ::1], types.int64[:, ::1]))),
)
def continue_rows(mask: Any, reach: int, top: int, seam_runs: Any, seam_rows: Any, runs: Any) -> Any:
    """Return the regions that end in a band of a web, or None where `runs` is too small.

    Args:
        mask: uint8 (H, W), contiguous, not empty.
        reach: How far a run touches beyond its ends in the next row: 1 with 8 neighbours, 0 with 4.
        top: Number of the band's first row.
        seam_runs: uint32 (K, 4), runs of the row above (`edgekit_runtime.labelling.seams`).
        seam_rows: int64 (M, 6), their regions.
        runs: uint32 (R, 4), overwritten; R at least K, the runs of the band and a row's width more.

    Returns:
        int64 (regions, 6): x1, y1, x2, y2, area, class, in the order (y1, x1, y2, x2, area, class); and the runs and
        the regions of the band's last row.
    """
    known = len(seam_runs)
    if known > len(runs):
        return None
    take_seam(seam_runs, runs)
    count = find_runs(mask, runs, known, 1)
    if count < 0:
        return None
    height, stride = mask.shape[0], mask.shape[1] + 1
    regions = len(seam_rows) + link_runs(runs, known, count, stride, reach)
    rows = np.zeros((regions, 6), np.int64)
    older = reduce_seam(seam_runs, seam_rows, runs, rows)
    reduce_runs(runs, known, count, rows, older, stride, top - 1)
    below_runs, below_rows = make_seam(runs, count, height * stride, rows)
    older_ended, ended = older, regions
    if len(below_rows):
        older_ended = drop_open(rows, 0, older, 0, top + height)
        ended = drop_open(rows, older, regions, older_ended, top + height)
    for gap in _GAPS:
        sort_rows(rows, 0, older_ended, gap)
    sort_rows(rows, older_ended, ended, 1)
    # No copy: the rest of the memory is as many rows as there are open regions.
    return rows[:ended], below_runs, below_rows
