"""Least areas: what is counted by sorting equals what is counted one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit.choosing.goal import Goal, parse_share
from edgekit.choosing.operating_points import (
    Sweep,
    count_point,
    find_best,
    find_frontier,
    list_points,
    rank_point,
)

AREAS = st.lists(st.integers(0, 40), min_size=1, max_size=12)
GOALS = st.sampled_from(
    [Goal(max_escape=parse_share("10%")), Goal(max_overkill=parse_share("0")), Goal(cost_ratio=2.5)]
)


def sweep_of(
    defective: list[int], normal: list[int], *, threshold: float = 0.0, largest: int | None = None
) -> Sweep:
    return Sweep(threshold, np.array(defective, np.int64), np.array(normal, np.int64), largest=largest)


@given(AREAS, AREAS)
def test_every_point_counts_as_its_least_area_does(defective: list[int], normal: list[int]) -> None:
    points = list_points(sweep_of(defective, normal))
    for point in points:
        assert point.escapes == sum(area < point.min_area_px for area in defective)
        assert point.overkills == sum(area >= point.min_area_px for area in normal)
        assert point.min_area_px >= 1


@given(AREAS, AREAS, GOALS, st.sampled_from([None, 20]))
def test_no_least_area_is_better_than_the_best(
    defective: list[int], normal: list[int], goal: Goal, largest: int | None
) -> None:
    sweep = sweep_of(defective, normal, largest=largest)
    best = find_best(sweep, goal)
    assert largest is None or best.min_area_px <= largest
    for least in range(1, min(max(*defective, *normal, 1), largest or 40) + 1):
        assert rank_point(best, sweep, goal) <= rank_point(count_point(sweep, least), sweep, goal)


def test_the_least_area_stands_in_the_middle_of_the_widest_gap() -> None:
    point = find_best(sweep_of([400, 900], [1, 4]), Goal(max_overkill=parse_share("0")))
    assert (point.min_area_px, point.escapes, point.overkills, point.gap) == (40, 0, 0, 100.0)


def test_where_nothing_is_found_everything_is_accepted() -> None:
    (point,) = list_points(sweep_of([0, 0], [0]))
    assert (point.escapes, point.overkills) == (2, 0)


def test_a_region_has_a_pixel() -> None:
    # A least area of 0 does not reject images without a region.
    point = count_point(sweep_of([0, 5], [0, 1]), 0)
    assert (point.min_area_px, point.escapes, point.overkills) == (0, 1, 1)


@given(st.lists(st.tuples(AREAS, AREAS), min_size=1, max_size=3))
def test_nothing_beats_the_frontier(measured: list[tuple[list[int], list[int]]]) -> None:
    sweeps = [sweep_of(*areas, threshold=float(index)) for index, areas in enumerate(measured)]
    frontier = find_frontier(sweeps, 0.0)
    for one in (point for sweep in sweeps for point in list_points(sweep)):
        assert any(point.escapes <= one.escapes and point.overkills <= one.overkills for point in frontier)
    for left, right in pairwise(frontier):
        assert left.overkills < right.overkills
        assert left.escapes > right.escapes
