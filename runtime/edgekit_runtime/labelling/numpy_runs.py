"""Connected regions of a mask: two-pass labelling (Rosenfeld and Pfaltz, 1966) over runs, in NumPy.

Pass 1 finds the runs of every row and links each to the runs of the row above that it touches; the
equivalences are resolved by union-find. Pass 2 reduces the runs of each component to a box and an area. Runs
are far fewer than pixels in the masks of a line, and every step is a NumPy call over all of them, so that no
mask (spiral, comb, checkerboard, noise) falls into a loop over pixels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit_runtime.labelling.seams import Seam

Rows = npt.NDArray[np.int64]
"""int64 (R, 6): x1, y1, x2, y2, area, class."""

Labels = npt.NDArray[np.int32]
"""int32 (H, W): 0 where there is no region, i + 1 on the pixels of row i."""

_Index = npt.NDArray[np.intp]


class _Runs(NamedTuple):
    """Runs in reading order; positions are flat, in rows of width + 1, so that no two rows touch."""

    start: _Index
    stop: _Index
    value: npt.NDArray[Any]
    stride: int


def find_rows(mask: npt.NDArray[Any], connectivity: int, min_area_px: int) -> Rows:
    """Return one row per region, ordered by (y1, x1, y2, x2, area, class).

    Args:
        mask: bool or integer (H, W), no number below 0.
        connectivity: 8 or 4.
        min_area_px: Regions with fewer pixels are left out.
    """
    runs = _find_runs(mask)
    if not len(runs.start):
        return np.empty((0, 6), np.int64)
    rows, _ = _reduce_runs(runs, _resolve(len(runs.start), *_link_runs(runs, connectivity)))
    return rows[_choose_rows(rows, min_area_px)]


def label_rows(mask: npt.NDArray[Any], connectivity: int, min_area_px: int) -> tuple[Rows, Labels]:
    """Return the rows of `find_rows`, and which row each pixel belongs to; arguments as there."""
    runs = _find_runs(mask)
    if not len(runs.start):
        return np.empty((0, 6), np.int64), np.zeros(mask.shape, np.int32)
    rows, region = _reduce_runs(runs, _resolve(len(runs.start), *_link_runs(runs, connectivity)))
    chosen = _choose_rows(rows, min_area_px)
    numbers = np.zeros(len(rows), np.int32)
    numbers[chosen] = np.arange(1, len(chosen) + 1)
    return rows[chosen], _paint_runs(runs, numbers[region], mask.shape)


def continue_rows(mask: npt.NDArray[Any], connectivity: int, seam: Seam, top: int) -> tuple[Rows, Seam]:
    """Return the regions of an endless web that end in its next band, and the seam below it.

    Args:
        mask: bool or integer (H, W), no number below 0, not empty.
        connectivity: 8 or 4.
        seam: What the bands before have left.
        top: Number of the band's first row.

    Returns:
        Rows in the web's coordinates, ordered by (y1, x1, y2, x2, area, class), and what the next band needs.
    """
    known = len(seam.runs)
    runs = _put_before(_find_runs(mask), seam)
    lower, upper = _link_runs(runs, connectivity)
    lower = np.concatenate([np.arange(known), lower])
    upper = np.concatenate([seam.runs[:, 3].astype(np.intp), upper])
    rows, region = _reduce_runs(runs, _resolve(len(runs.start), lower, upper))
    _add_seam(rows, region[:known], seam, top)
    rows[:, 1:4:2] += top
    ended = rows[:, 3] < top + len(mask)
    below = _make_seam(runs, rows, region, (len(mask) - 1) * runs.stride)
    closed = rows[ended]
    return closed[_choose_rows(closed, 0)], below


def _put_before(runs: _Runs, seam: Seam) -> _Runs:
    """Return the runs of a band behind those of the row above it, whose positions are negative."""
    above = seam.runs.astype(np.intp)
    return _Runs(
        np.concatenate([above[:, 0] - runs.stride, runs.start]),
        np.concatenate([above[:, 1] - runs.stride, runs.stop]),
        np.concatenate([above[:, 2], runs.value.astype(np.intp)]),
        runs.stride,
    )


def _add_seam(rows: Rows, region: _Index, seam: Seam, top: int) -> None:
    """Add what was known of the regions of the row above a band to their rows.

    Args:
        rows: int64 (R, 6) in the band's coordinates, in which that row is counted as row -1; changed.
        region: Of each run of the seam.
        seam: The row above the band.
        top: Number of the band's first row.
    """
    lengths = seam.runs[:, 1].astype(np.int64) - seam.runs[:, 0]
    np.subtract.at(rows[:, 4], region, lengths)
    first = region[np.flatnonzero(seam.runs[:, 3] == np.arange(len(region)))]
    np.minimum.at(rows[:, 0], first, seam.rows[:, 0])
    np.minimum.at(rows[:, 1], first, seam.rows[:, 1] - top)
    np.maximum.at(rows[:, 2], first, seam.rows[:, 2])
    np.add.at(rows[:, 4], first, seam.rows[:, 4])


def _make_seam(runs: _Runs, rows: Rows, region: _Index, offset: int) -> Seam:
    """Return the runs from a position on, with the rows of their regions."""
    begin = np.searchsorted(runs.start, offset)
    last = region[begin:]
    _, first, number = np.unique(last, return_index=True, return_inverse=True)
    start, stop = runs.start[begin:] - offset, runs.stop[begin:] - offset
    links = np.stack([start, stop, runs.value[begin:], first[number]], axis=1)
    return Seam(links.astype(np.uint32), rows[last[np.sort(first)]])


def _find_runs(mask: npt.NDArray[Any]) -> _Runs:
    height, width = mask.shape
    stride = width + 1
    # One background cell leads, and one follows each row: a run can neither wrap nor reach the array's ends.
    flat = np.zeros(1 + height * stride, mask.dtype)
    flat[1:].reshape(height, stride)[:, :width] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    value = flat[1:][edges[:-1]] if len(edges) else flat[:0]
    kept = np.flatnonzero(value)
    return _Runs(edges[kept], edges[kept + 1], value[kept], stride)


def _link_runs(runs: _Runs, connectivity: int) -> tuple[_Index, _Index]:
    """Return the pairs (lower run, upper run) of one class that touch across a row border."""
    reach = 1 if connectivity == 8 else 0
    # Runs are sorted, and so are their stops: those above run i are the slice [first[i], last[i]).
    first = np.searchsorted(runs.stop, runs.start - runs.stride - reach, side="right")
    last = np.searchsorted(runs.start, runs.stop - runs.stride + reach, side="left")
    counts = np.maximum(last - first, 0)
    lower = np.repeat(np.arange(len(counts)), counts)
    offsets = np.cumsum(counts) - counts
    upper = np.arange(len(lower)) + np.repeat(first - offsets, counts)
    same = runs.value[lower] == runs.value[upper]
    return (lower, upper) if same.all() else (lower[same], upper[same])


def _resolve(count: int, left: _Index, right: _Index) -> _Index:
    """Return for every run the first run of its component (union-find in rounds over all links at once).

    Each round hooks every root that has a smaller neighbour onto the smallest, flattens the trees by pointer
    jumping, and drops the links that now lie within a tree. Hooking only downwards cannot form a cycle;
    hooking onto the *smallest* keeps the rounds few (two for a comb, whose teeth all meet in one run).
    """
    parent = np.arange(count)
    while len(left):
        np.minimum.at(parent, np.maximum(left, right), np.minimum(left, right))
        parent = _flatten(parent)
        left, right = parent[left], parent[right]
        apart = left != right
        left, right = left[apart], right[apart]
    return parent


def _flatten(parent: _Index) -> _Index:
    while True:
        grandparent = parent[parent]
        if np.array_equal(grandparent, parent):
            return parent
        parent = grandparent


def _reduce_runs(runs: _Runs, root: _Index) -> tuple[Rows, _Index]:
    """Return a row per component, and for every run the row that it is part of."""
    roots = np.flatnonzero(root == np.arange(len(root)))
    rank = np.zeros(len(root), np.intp)
    rank[roots] = np.arange(len(roots))
    region = rank[root]
    y, x1 = np.divmod(runs.start, runs.stride)
    length = runs.stop - runs.start
    rows = np.empty((len(roots), 6), np.int64)
    left = np.full(len(roots), runs.stride)
    np.minimum.at(left, region, x1)
    right = np.zeros(len(roots), np.intp)
    np.maximum.at(right, region, x1 + length)
    # Runs are in reading order and a root is its component's first run: its row is the top one, and the last
    # run written is the bottom one.
    bottom = np.empty(len(roots), np.intp)
    bottom[region] = y
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = left, y[roots], right, bottom + 1
    # Sums of at most 2**53 pixels are exact in the doubles of bincount.
    rows[:, 4] = np.bincount(region, weights=length, minlength=len(roots))
    rows[:, 5] = runs.value[roots]
    return rows, region


def _choose_rows(rows: Rows, min_area_px: int) -> _Index:
    """Return which rows are kept, in the order that `find_regions` promises."""
    x1, y1, x2, y2, area, value = rows.T
    order = np.lexsort((value, area, x2, y2, x1, y1))
    return np.asarray(order[area[order] >= min_area_px])


def _paint_runs(runs: _Runs, numbers: npt.NDArray[np.int32], shape: tuple[int, ...]) -> Labels:
    """Return an image in which every run has its number: up at its start, down at its stop, summed along."""
    height, width = shape
    steps = np.zeros(height * runs.stride + 1, np.int32)
    steps[runs.start] += numbers
    steps[runs.stop] -= numbers
    flat = np.cumsum(steps, dtype=np.int32)[:-1]
    return np.ascontiguousarray(flat.reshape(height, runs.stride)[:, :width])
