"""Connected regions of a mask: two-pass labelling (Rosenfeld and Pfaltz, 1966) over runs.

Pass 1 finds the runs of every row and links each to the runs of the row above that it touches; the
equivalences are resolved by union-find. Pass 2 reduces the runs of each component to a box and an area. Runs
are far fewer than pixels in the masks of a line, and every step is a NumPy call over all of them, so that no
mask (spiral, comb, checkerboard, noise) falls into a loop over pixels.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import MaskError, UsageProblem
from edgekit_runtime.results import Region

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


def find_regions(mask: npt.ArrayLike, *, connectivity: int = 8, min_area_px: int = 0) -> Rows:
    """Return the connected regions of a mask, one row [x1, y1, x2, y2, area, class] each.

    A region is a largest set of connected pixels of one class; 0 is the background. Boxes are half-open.

    Args:
        mask: bool or integer (H, W): 0 background, k the k-th class.
        connectivity: 8 (diagonal neighbours touch) or 4.
        min_area_px: Regions with fewer pixels are left out.

    Returns:
        int64 (R, 6), ordered by (y1, x1, y2, x2, area, class).

    Raises:
        MaskError: If the mask is not a two-dimensional array of class numbers.
        UsageProblem: If an option is not one of those above.
    """
    check_region_options(connectivity, min_area_px)
    runs = _find_runs(_check_mask(mask))
    if not len(runs.start):
        return np.empty((0, 6), np.int64)
    rows, _ = _reduce_runs(runs, _resolve(len(runs.start), *_link_runs(runs, connectivity)))
    return rows[_choose_rows(rows, min_area_px)]


def label_regions(mask: npt.ArrayLike, *, connectivity: int = 8, min_area_px: int = 0) -> tuple[Rows, Labels]:
    """Return the rows of `find_regions`, and for every pixel which row it belongs to.

    Args:
        mask: As for `find_regions`.
        connectivity: As for `find_regions`.
        min_area_px: As for `find_regions`; the pixels of regions that are left out are 0.

    Returns:
        int64 (R, 6), and int32 (H, W): i + 1 on the pixels of row i, 0 elsewhere.

    Raises:
        MaskError: See `find_regions`.
        UsageProblem: See `find_regions`.
    """
    check_region_options(connectivity, min_area_px)
    array = _check_mask(mask)
    runs = _find_runs(array)
    if not len(runs.start):
        return np.empty((0, 6), np.int64), np.zeros(array.shape, np.int32)
    rows, region = _reduce_runs(runs, _resolve(len(runs.start), *_link_runs(runs, connectivity)))
    chosen = _choose_rows(rows, min_area_px)
    numbers = np.zeros(len(rows), np.int32)
    numbers[chosen] = np.arange(1, len(chosen) + 1)
    return rows[chosen], _paint_runs(runs, numbers[region], array.shape)


def name_regions(rows: Rows, classes: Sequence[str]) -> tuple[Region, ...]:
    """Return rows of `find_regions` as regions with the names of their classes.

    Args:
        rows: int64 (R, 6).
        classes: Names by class number; number 0 is the background.

    Raises:
        MaskError: If a row's class has no name.
    """
    if len(rows) and int(rows[:, 5].max()) >= len(classes):
        raise MaskError(
            f"The mask holds class {int(rows[:, 5].max())}; the names end at class {len(classes) - 1}.",
            remedy="A mask holds class numbers (0, 1, …). Divide a 0/255 mask by 255 first.",
        )
    return tuple(
        Region(x1=x1, y1=y1, x2=x2, y2=y2, area_px=area, label=classes[value])
        for x1, y1, x2, y2, area, value in rows.tolist()
    )


def check_region_options(connectivity: int, min_area_px: int) -> None:
    """Raise UsageProblem unless the options are ones that `find_regions` takes."""
    if connectivity not in (4, 8):
        raise UsageProblem(f"connectivity must be 4 or 8, got {connectivity!r}.")
    try:
        area = operator.index(min_area_px)
    except TypeError:
        raise UsageProblem(f"min_area_px must be a whole number, got {min_area_px!r}.") from None
    if area < 0:
        raise UsageProblem(f"min_area_px must be 0 or more, got {area}.")


def _check_mask(mask: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.asarray(mask)
    if array.ndim != 2:
        raise MaskError(f"A mask must be (H, W), got shape {array.shape}.")
    if array.dtype.kind not in "bui":
        raise MaskError(
            f"A mask must hold bool or integer class numbers, got {array.dtype}.",
            remedy="Threshold probabilities first, such as `mask = probabilities >= 0.5`.",
        )
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        raise MaskError(f"Class numbers of a mask must be 0 or more, got {int(array.min())}.")
    return array


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
