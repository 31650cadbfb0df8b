"""Operating points: a threshold with a least area, and how many images of each kind it judges wrongly.

An image is rejected when a region of it counts, that is, has at least the least area. What an image adds is therefore
one number per threshold, its *deciding area*: that of its largest region (where a rule allows n regions, of its
(n + 1)-th largest). The image is rejected by every least area up to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.choosing.goal import Goal

Areas = npt.NDArray[np.int64]

WIDE_GAP = 3.0
"""Ratio of areas that is room enough: among equal choices with such a gap, masks that stay as the network was trained
to draw them count for more."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The deciding area of every image at one threshold, in px; 0 where the image has no such region.

    Attributes:
        threshold: Logit from which a pixel is a defect.
        defective: Of the defective images, int64 (images,).
        normal: Of the defect-free images, int64 (images,).
        flooded: Share of the defect-free images of which that region covers half or more.
        largest: Least areas above this are not looked for: that of half the smallest image, beyond which a rule says
            nothing of defects. None for no such limit.
    """

    threshold: float
    defective: Areas
    normal: Areas
    flooded: float = 0.0
    largest: int | None = None


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and a least area, counted on a set of images.

    Attributes:
        threshold: Logit from which a pixel is a defect.
        min_area_px: Smaller regions do not count.
        escapes: Defective images that are accepted.
        overkills: Defect-free images that are rejected.
        gap: How much larger the smallest deciding area of a rejected image is than the largest of an accepted one, as
            a ratio: what the least area keeps from both.
    """

    threshold: float
    min_area_px: int
    escapes: int
    overkills: int
    gap: float


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Between neighbouring deciding areas of all images every least area judges alike: low < least area ≤ high."""

    low: Areas
    high: Areas
    escapes: npt.NDArray[np.int64]
    overkills: npt.NDArray[np.int64]


def list_points(sweep: Sweep) -> list[OperatingPoint]:
    """Return every way of judging the images that the least area allows at a threshold, from the smallest area on.

    A least area above every region, which accepts every image, is none of them unless nothing is found at all.
    """
    gaps = _find_gaps(sweep)
    return [_make_point(sweep.threshold, gaps, index) for index in range(len(gaps.low))]


def find_best(sweep: Sweep, goal: Goal) -> OperatingPoint:
    """Return the point of a threshold that the goal asks for; of equal ones that with the widest gap."""
    gaps = _find_gaps(sweep)
    ranks = goal.rank(gaps.escapes, gaps.overkills, defective=len(sweep.defective), normal=len(sweep.normal))
    widths = gaps.high / np.maximum(gaps.low, 1)
    # lexsort sorts by its last key first.
    return _make_point(sweep.threshold, gaps, int(np.lexsort((-widths, *reversed(ranks)))[0]))


def count_point(sweep: Sweep, min_area_px: int) -> OperatingPoint:
    """Return what a given least area makes of the images."""
    least = max(min_area_px, 1)  # a region has a pixel
    areas = np.concatenate([sweep.defective, sweep.normal])
    low = areas[areas < least].max(initial=0)
    high = areas[areas >= least].min(initial=max(2 * int(areas.max(initial=0)), least))
    return OperatingPoint(
        threshold=sweep.threshold,
        min_area_px=min_area_px,
        escapes=int((sweep.defective < least).sum()),
        overkills=int((sweep.normal >= least).sum()),
        gap=float(high / max(low, 1)),
    )


def rank_point(point: OperatingPoint, sweep: Sweep, goal: Goal) -> tuple[float, ...]:
    """Return `Goal.rank` of one point."""
    ranks = goal.rank(
        np.array([point.escapes]),
        np.array([point.overkills]),
        defective=len(sweep.defective),
        normal=len(sweep.normal),
    )
    return tuple(float(rank[0]) for rank in ranks)


def compare_equal(point: OperatingPoint, start: float) -> tuple[float, float]:
    """Return what decides between points with equal counts, less being better.

    The wider gap between areas, and of wide ones the threshold that is nearest to `start`, the bundle's own.
    """
    return -min(point.gap, WIDE_GAP), abs(point.threshold - start)


def find_frontier(sweeps: Sequence[Sweep], start: float) -> list[OperatingPoint]:
    """Return the points that no other beats in both counts, by rising overkill; equal ones as `compare_equal` says."""
    points = [point for sweep in sweeps for point in list_points(sweep)]
    frontier: list[OperatingPoint] = []
    for point in sorted(points, key=lambda one: (one.overkills, one.escapes, *compare_equal(one, start))):
        if not frontier or point.escapes < frontier[-1].escapes:
            frontier.append(point)
    return frontier


def _find_gaps(sweep: Sweep) -> _Gaps:
    defective, normal = np.sort(sweep.defective), np.sort(sweep.normal)
    values = np.unique(np.concatenate([defective, normal]))
    values = values[values > 0]
    if sweep.largest is not None and len(values):
        # What is larger is rejected by every least area that is left.
        values = np.unique(np.minimum(values, sweep.largest))
    if not len(values):
        values = np.array([1], np.int64)  # nothing is found: every least area accepts every image
    return _Gaps(
        low=np.concatenate([[0], values[:-1]]).astype(np.int64),
        high=values,
        escapes=np.searchsorted(defective, values, side="left"),
        overkills=len(normal) - np.searchsorted(normal, values, side="left"),
    )


def _make_point(threshold: float, gaps: _Gaps, index: int) -> OperatingPoint:
    low, high = int(gaps.low[index]), int(gaps.high[index])
    # The middle of the gap as areas go, by ratio: new images on either side have equal room.
    middle = round(float(np.sqrt(max(low, 1) * high)))
    return OperatingPoint(
        threshold=threshold,
        min_area_px=max(middle, low + 1),
        escapes=int(gaps.escapes[index]),
        overkills=int(gaps.overkills[index]),
        gap=high / max(low, 1),
    )
