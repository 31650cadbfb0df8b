"""The search against every threshold of a fine grid, on random logits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.choosing.goal import Goal, parse_share
from edgekit.choosing.operating_points import Sweep, find_best, rank_point
from edgekit.choosing.search import FLOODED, LARGEST_STEP, RESOLUTION, search_threshold
from edgekit_runtime.regions import find_regions

Logits = npt.NDArray[np.float32]


class Images:
    """Logits of images, and how often they were run."""

    def __init__(self, defective: Logits, normal: Logits) -> None:
        self.defective, self.normal, self.runs = defective, normal, 0

    def __call__(self, threshold: float) -> Sweep:
        self.runs += 1
        normal = self._measure(self.normal, threshold)
        return Sweep(
            threshold,
            self._measure(self.defective, threshold),
            normal,
            flooded=float((normal >= self.normal[0].size // 2).mean()),
        )

    def _measure(self, logits: Logits, threshold: float) -> npt.NDArray[np.int64]:
        masks = (~(one < threshold) for one in logits)
        return np.array([find_regions(mask)[:, 4].max(initial=0) for mask in masks], np.int64)


def make_images(seed: int, *, contrast: float, count: int = 8) -> Images:
    """Smooth noise; defective images have a spot that is brighter by `contrast`."""
    generator = np.random.default_rng(seed)
    logits = np.kron(generator.normal(-1, 1, (2 * count, 4, 4)), np.ones((3, 3))).astype(np.float32)
    logits += generator.normal(0, 0.3, logits.shape).astype(np.float32)
    logits[:count, 2:7, 3:9] += contrast
    return Images(logits[:count], logits[count:])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([0.5, 2.0, 6.0]),
    st.sampled_from(
        [Goal(max_escape=parse_share("0")), Goal(max_overkill=parse_share("13%")), Goal(cost_ratio=4.0)]
    ),
)
def test_no_threshold_between_is_better(seed: int, contrast: float, goal: Goal) -> None:
    images = make_images(seed, contrast=contrast)
    outcome = search_threshold(images, start=0.0, goal=goal, most_runs=200)
    assert outcome.exhausted
    low, high = outcome.sweeps[0].threshold, outcome.sweeps[-1].threshold
    best = rank_point(outcome.chosen, outcome.first, goal)
    step = RESOLUTION * (high - low)
    for threshold in np.arange(low, high, 8 * step):
        sweep = images(float(threshold))
        rank = rank_point(find_best(sweep, goal), sweep, goal)
        # A better one may hide in an interval that is too narrow to be divided; those were bounded by their ends.
        narrow = any(
            left.threshold <= threshold <= right.threshold and right.threshold - left.threshold <= step
            for left, right in pairwise(outcome.sweeps)
        )
        assert best <= rank or narrow


def test_few_runs_are_enough_where_images_are_told_apart() -> None:
    images = make_images(1, contrast=30.0)
    outcome = search_threshold(images, start=0.0, goal=Goal(max_escape=parse_share("0.5%")))
    assert (outcome.chosen.escapes, outcome.chosen.overkills) == (0, 0)
    assert outcome.exhausted
    # The bracket alone: nothing can beat a choice without an error.
    assert images.runs == len(outcome.sweeps) <= 12


def test_a_wide_gap_leaves_the_threshold_where_it_was() -> None:
    images = make_images(1, contrast=30.0)
    images.normal = np.minimum(images.normal, -0.5)
    images.defective[:, :, 9:] = -5
    outcome = search_threshold(images, start=0.0, goal=Goal(max_overkill=parse_share("0")))
    assert outcome.chosen.threshold == 0.0


def test_the_number_of_runs_is_bounded_and_said() -> None:
    images = make_images(3, contrast=0.5, count=16)
    outcome = search_threshold(images, start=0.0, goal=Goal(cost_ratio=1.0), most_runs=12)
    assert images.runs == len(outcome.sweeps) == 12
    assert not outcome.exhausted


def test_a_jump_is_looked_for_down_to_the_resolution_and_no_further() -> None:
    def measure(threshold: float) -> Sweep:
        # Both kinds of image change at one threshold: every interval around it promises what no threshold gives.
        area = 9 if threshold < 0.3 else 2 if threshold < 8 else 0
        areas = np.array([area], np.int64)
        return Sweep(threshold, areas, areas, flooded=float(threshold < -8))

    outcome = search_threshold(measure, start=0.0, goal=Goal(max_escape=parse_share("0")), most_runs=200)
    assert outcome.exhausted
    assert outcome.chosen.escapes + outcome.chosen.overkills == 1
    thresholds = [sweep.threshold for sweep in outcome.sweeps]
    assert len(thresholds) < 30
    widths = [high - low for low, high in pairwise(thresholds) if low < 0.3 <= high]
    assert RESOLUTION / 2 < widths[0] / (thresholds[-1] - thresholds[0]) <= RESOLUTION


def test_the_bracket_goes_from_flooded_images_to_none() -> None:
    sweeps = search_threshold(make_images(5, contrast=2.0), start=0.5, goal=Goal(cost_ratio=1.0)).sweeps
    assert sweeps[0].flooded >= FLOODED
    assert not sweeps[-1].defective.any()


@pytest.mark.parametrize("value", [np.nan, 1e30])
def test_an_image_that_is_always_rejected_ends_the_search(value: float) -> None:
    images = make_images(5, contrast=2.0)
    images.defective[0, 0, 0] = value
    outcome = search_threshold(images, start=0.0, goal=Goal(max_escape=parse_share("0")))
    assert outcome.sweeps[-1].threshold <= LARGEST_STEP
