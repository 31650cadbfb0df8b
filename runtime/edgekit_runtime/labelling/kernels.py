"""Connected regions by two passes over runs (Rosenfeld and Pfaltz, 1966), compiled.

A run is a row of `runs`: where it starts, where it stops, its class, and a run of the same region that comes before
it, or itself. Positions are flat, in rows of width + 1, so that no two rows touch; runs are in reading order. They are
unsigned, because Numba looks at every signed index whether it counts from the end.

Links point backwards only, and a search halves its path, so that the trees stay shallow whatever the mask (spiral,
comb, merging teeth).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types

from edgekit_runtime.jit import inline, kernel
from edgekit_runtime.labelling.edges import BLOCK, LANES, find_edges, find_lowest_bit, is_background

START, STOP, CLASS, PARENT = range(4)
X1, Y1, X2, Y2, AREA, VALUE = range(6)

# Numba makes a float of a signed and an unsigned integer: words meet words only.
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@inline
def find_runs(mask: Any, runs: Any, count: int, above: int) -> Any:
    """Write start, stop and class of every run; return how many there are, or -1 where there is no room.

    Args:
        mask: uint8 (H, W), contiguous, not empty.
        runs: uint32 (R, 4).
        count: Runs that are there already: those of the rows above the mask.
        above: How many rows that is.
    """
    height, width = mask.shape
    y = 0
    while True:
        offset = skip_background(mask, y * width)
        if offset >= (y + 1) * width:
            y = offset // width
        if y >= height:
            return count
        if count + width > len(runs):
            return -1
        row = (above + y) * (width + 1)
        begin = max(offset - y * width, 1)
        value = mask[y, begin - 1]
        runs[count, START] = row
        runs[count, CLASS] = value
        for x in range(begin, width, LANES):
            if width > LANES:
                # The last columns are compared together with some before them, never with what lies behind the mask.
                first = min(x, width - LANES)
                seen = np.uint64(x - first)
                edges = find_edges(mask, y * width + first) >> seen << seen
            else:
                first, edges = x, find_edges_singly(mask, y, x)
            while edges:
                here = first + find_lowest_bit(edges)
                edges &= edges - _ONE
                # No branch on what the pixels are, which noise makes unpredictable: what is background is written
                # too, and the next run overwrites it.
                runs[count, STOP] = row + here
                count += value != 0
                value = mask[y, here]
                runs[count, START] = row + here
                runs[count, CLASS] = value
        runs[count, STOP] = row + width
        count += value != 0
        y += 1


@inline
def skip_background(mask: Any, offset: int) -> Any:
    """Return a pixel before which all from `offset` on are background, across rows and in steps of 256."""
    while offset + BLOCK <= mask.size and is_background(mask, offset):
        offset += BLOCK
    return offset


@inline
def find_edges_singly(mask: Any, y: int, x: int) -> Any:
    """Return the edges of a short row from column x on: bit k says whether column x + k differs from the one before."""
    edges = _ZERO
    for column in range(x, mask.shape[1]):
        if mask[y, column] != mask[y, column - 1]:
            edges |= _ONE << np.uint64(column - x)
    return edges


@inline
def link_runs(runs: Any, known: int, count: int, stride: int, reach: int) -> Any:
    """Give every run a parent: one before it in its region, itself for the first.

    The first runs are in the first row and have theirs already. Returned is how many regions begin with the others,
    less those that the others join: added to the regions of the first runs, it makes the number of all.
    """
    regions = 0
    above = 0
    for run in range(known, count):
        # These searches end at `run` itself at the latest, because rows are a pixel longer than a run can be.
        begin = runs[run, START] - stride - reach
        while runs[above, STOP] <= begin:
            above += 1
        end = runs[run, STOP] - stride + reach
        root = run
        regions += 1
        runs[run, PARENT] = run
        other = above
        while runs[other, START] < end:
            if runs[other, PARENT] != root and runs[other, CLASS] == runs[run, CLASS]:
                found = find_root(runs, other)
                if found != root:
                    regions -= 1
                    runs[max(root, found), PARENT] = min(root, found)
                    root = min(root, found)
            other += 1
        runs[run, PARENT] = root
    return regions


@inline
def find_root(runs: Any, run: int) -> Any:
    """Return the first run of the tree that a run is in, and halve the path to it."""
    parent = runs[run, PARENT]
    while runs[parent, PARENT] != parent:
        runs[run, PARENT] = runs[parent, PARENT]
        run = runs[parent, PARENT]
        parent = runs[run, PARENT]
    return parent


@inline
def reduce_runs(runs: Any, known: int, count: int, rows: Any, seen: int, stride: int, shift: int) -> None:
    """Write one row per region, in the order of their first runs; overwrites the parents.

    Args:
        runs: uint32 (R, 4), linked.
        known: How many of the first runs are in the rows already, with the region's number as parent.
        count: Number of runs.
        rows: int64 (regions, 6), written.
        seen: How many rows are there already.
        stride: What positions advance by from one row of the mask to the next.
        shift: The number of row 0 of the runs.
    """
    y = 0
    for run in range(known, count):
        while runs[run, START] >= (y + 1) * stride:
            y += 1
        x1 = runs[run, START] - y * stride
        x2 = runs[run, STOP] - y * stride
        region = runs[run, PARENT]
        if region == run:
            region = seen
            seen += 1
            rows[region, X1], rows[region, Y1], rows[region, VALUE] = x1, y + shift, runs[run, CLASS]
        else:
            # The parent comes before: its own entry is the number of the region already.
            region = runs[region, PARENT]
        runs[run, PARENT] = region
        rows[region, X1] = min(rows[region, X1], x1)
        rows[region, X2] = max(rows[region, X2], x2)
        rows[region, Y2] = y + shift + 1
        rows[region, AREA] += x2 - x1


@inline
def drop_small(rows: Any, least: int) -> Any:
    """Move the rows of at least so many pixels to the front, in their order; return how many there are."""
    kept = 0
    for row in range(len(rows)):
        if rows[row, AREA] >= least:
            if kept != row:
                # Column by column: to compile the assignment of a whole row takes Numba two seconds.
                for column in range(6):
                    rows[kept, column] = rows[row, column]
            kept += 1
    return kept


@inline
def sort_rows(rows: Any, first: int, last: int, gap: int) -> None:
    """Sort the rows first, first + gap, … below last, and those between them alike, by (y1, x1, y2, x2, area, class).

    Insertion: of a mask's regions in the order of their first runs, and a gap of 1, rows are in order but for those
    that begin in the same row of the mask and whose first run is not their leftmost one. A region passes only others
    whose first run lies above its own columns, and it has a pixel in each of these: the steps are fewer than the
    mask's pixels, whatever the mask.
    """
    for row in range(first + gap, last):
        place = row
        while place >= first + gap and is_before(rows, place, place - gap):
            for column in range(6):
                kept = rows[place, column]
                rows[place, column] = rows[place - gap, column]
                rows[place - gap, column] = kept
            place -= gap


@inline
def is_before(rows: Any, left: int, right: int) -> Any:
    """Return whether a row comes before another one."""
    for column in (Y1, X1, Y2, X2, AREA, VALUE):
        if rows[left, column] != rows[right, column]:
            return rows[left, column] < rows[right, column]
    return False


@kernel(
    types.Array(types.uint8, 2, "C", readonly=True),
    types.int64,
    types.int64,
    types.uint32[:, ::1],
    returns=types.optional(types.int64[:, ::1]),
)
def find_rows(mask: Any, reach: int, least: int, runs: Any) -> Any:
    """Return the regions of a mask in the order (y1, x1, y2, x2, area, class), or None where `runs` is too small.

    Args:
        mask: uint8 (H, W), contiguous, not empty.
        reach: How far a run touches beyond its ends in the next row: 1 with 8 neighbours, 0 with 4.
        least: Regions with fewer pixels are left out.
        runs: uint32 (R, 4), overwritten; R at least the runs of the mask and a row's width more.

    Returns:
        int64 (regions, 6): x1, y1, x2, y2, area, class.
    """
    count = find_runs(mask, runs, 0, 0)
    if count < 0:
        return None
    stride = mask.shape[1] + 1
    rows = np.zeros((link_runs(runs, 0, count, stride, reach), 6), np.int64)
    reduce_runs(runs, 0, count, rows, 0, stride, 0)
    kept = drop_small(rows, least)
    sort_rows(rows, 0, kept, 1)
    return rows if kept == len(rows) else rows[:kept].copy()
