"""The threshold that a goal asks for, with few runs of the bundle.

Masks of one image are nested: a higher threshold leaves fewer pixels, so that an image's largest region only shrinks.
Between two measured thresholds no image can therefore do better than a defective one does at the lower and a
defect-free one at the higher: that bound, which costs no run, says which intervals need not be looked into (branch and
bound). What is chosen is then the best of all thresholds in the bracket, up to the resolution, though only some twenty
were run.

Where a rule allows n regions, the deciding area is that of the (n + 1)-th largest region, which may fall when two grow
together: the bound is then a guide and no proof, and the outcome does not claim one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from edgekit.choosing.goal import Goal
from edgekit.choosing.operating_points import OperatingPoint, Sweep, compare_equal, find_best, rank_point

FIRST_STEP, LARGEST_STEP = 1.0, 64.0
"""Distances from the first threshold, in logits, at which its two sides are looked at, doubling. A sigmoid is 0 or 1 in
float32 before the last."""

FLOODED = 0.5
"""Share of defect-free images that one region covers by half: below such a threshold masks mean nothing."""

RESOLUTION = 2.0**-10
"""Of the bracket: intervals that are narrower are not divided."""

MOST_RUNS = 40

Measure = Callable[[float], Sweep]


@dataclass(frozen=True, eq=False)
class SearchOutcome:
    """What was chosen, and what was measured on the way.

    Attributes:
        chosen: The best point; between equal ones `compare_equal` decides.
        first: The sweep of the threshold that the search began with.
        sweeps: Every threshold that was run, increasing.
        exhausted: Whether no threshold between those that were run can do better, up to the resolution.
    """

    chosen: OperatingPoint
    first: Sweep
    sweeps: tuple[Sweep, ...]
    exhausted: bool


def search_threshold(
    measure: Measure, *, start: float, goal: Goal, most_runs: int = MOST_RUNS
) -> SearchOutcome:
    """Return the threshold and the least area that a goal asks for.

    Args:
        measure: Runs every image at a threshold.
        start: The first threshold, such as the bundle's own.
        goal: What is asked for.
        most_runs: Thresholds that may be run.
    """
    first = measure(start)
    sweeps = _bracket(measure, first)
    best = min(_rank(sweep, sweep, goal) for sweep in sweeps)
    resolution = RESOLUTION * (sweeps[-1].threshold - sweeps[0].threshold)
    while True:
        bound, middle = _find_promising(sweeps, goal, resolution)
        exhausted = bound is None or bound >= best
        if exhausted or len(sweeps) >= most_runs:
            return SearchOutcome(_choose(sweeps, first, goal), first, tuple(sweeps), exhausted)
        sweep = measure(middle)
        sweeps = sorted([*sweeps, sweep], key=lambda one: one.threshold)
        best = min(best, _rank(sweep, sweep, goal))


def _bracket(measure: Measure, first: Sweep) -> list[Sweep]:
    """Return sweeps from where good images are flooded to where no defective one has a region left."""
    sweeps = [first]
    step = FIRST_STEP
    while sweeps[-1].defective.any() and step <= LARGEST_STEP:
        sweeps.append(measure(first.threshold + step))
        step *= 2
    step = FIRST_STEP
    while sweeps[0].flooded < FLOODED and step <= LARGEST_STEP:
        sweeps.insert(0, measure(first.threshold - step))
        step *= 2
    return sweeps


def _find_promising(
    sweeps: list[Sweep], goal: Goal, resolution: float
) -> tuple[tuple[float, ...] | None, float]:
    """Return the lowest bound of the intervals that are wide enough, and that one's middle."""
    bounds = [
        (_rank(low, high, goal), (low.threshold + high.threshold) / 2)
        for low, high in pairwise(sweeps)
        if high.threshold - low.threshold > resolution
    ]
    return min(bounds, default=(None, 0.0))


def _rank(low: Sweep, high: Sweep, goal: Goal) -> tuple[float, ...]:
    """Return the best rank that a threshold from the lower to the higher one can have."""
    bound = replace(low, normal=high.normal)
    return rank_point(find_best(bound, goal), bound, goal)


def _choose(sweeps: list[Sweep], first: Sweep, goal: Goal) -> OperatingPoint:
    points = [find_best(sweep, goal) for sweep in sweeps]

    def compare(index: int) -> tuple[tuple[float, ...], tuple[float, float]]:
        point = points[index]
        return rank_point(point, sweeps[index], goal), compare_equal(point, first.threshold)

    return points[min(range(len(points)), key=compare)]
