"""Defects one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit.evaluation.defect_level import (
    DefectMetrics,
    LabelledRegions,
    OverlapRule,
    match_defects,
    pool_defects,
)
from edgekit.evaluation.rates import Rate
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.regions import label_regions


def match(truth: np.ndarray, found: np.ndarray, rule: OverlapRule) -> DefectMetrics:
    return match_defects(LabelledRegions(*label_regions(truth)), LabelledRegions(*label_regions(found)), rule)


def match_by_pairs(truth: np.ndarray, found: np.ndarray, rule: OverlapRule) -> tuple[int, int]:
    """Every region as a set of pixels, every pair compared."""

    def sets(mask: np.ndarray) -> list[set[int]]:
        rows, labels = label_regions(mask)
        return [set(np.flatnonzero(labels == number + 1).tolist()) for number in range(len(rows))]

    true_sets, found_sets = sets(truth), sets(found)
    if rule.measure == "covered":
        return (
            sum(len(one & set().union(*found_sets)) / len(one) >= rule.share for one in true_sets),
            sum(len(one & set().union(*true_sets)) / len(one) >= rule.share for one in found_sets),
        )
    close = [[len(a & b) / len(a | b) >= rule.share for b in found_sets] for a in true_sets]
    return sum(map(any, close)), sum(map(any, zip(*close, strict=True)))


MASKS = arrays.arrays(np.uint8, (2, 7, 9), elements=st.sampled_from([0, 0, 0, 1, 2]))


@settings(deadline=None)
@given(
    masks=MASKS, measure=st.sampled_from(["covered", "iou"]), share=st.sampled_from([0.01, 0.1, 0.3, 0.5, 1])
)
def test_equals_the_comparison_of_every_pair(masks: np.ndarray, measure, share: float) -> None:
    rule = OverlapRule(measure, share)
    metrics = match(*masks, rule)
    assert (metrics.found.count, metrics.right.count) == match_by_pairs(*masks, rule)


def test_a_tenth_is_enough_and_less_is_not() -> None:
    truth = np.ones((1, 30), np.uint8)
    for pixels, recall in ((2, 0.0), (3, 1.0)):
        found = np.zeros((1, 30), np.uint8)
        found[0, :pixels] = 1
        assert match(truth, found, OverlapRule()).recall == recall


def test_a_scratch_that_is_broken_into_dashes_is_found_and_every_dash_is_right() -> None:
    truth, dashes = np.ones((1, 30), np.uint8), np.tile([[1, 0, 0]], (1, 10)).astype(np.uint8)
    metrics = match(truth, dashes, OverlapRule())
    assert (metrics.recall, metrics.precision, metrics.right.total) == (1.0, 1.0, 10)
    assert match(truth, dashes, OverlapRule("iou", 0.5)).recall == 0.0


def test_an_answer_that_is_all_defect_finds_everything_and_is_wrong() -> None:
    truth = np.zeros((10, 20), np.uint8)
    truth[:2, :2] = truth[8:, 8:10] = 1
    metrics = match(truth, np.ones((10, 20), np.uint8), OverlapRule())
    assert (metrics.recall, metrics.precision) == (1.0, 0.0)


def test_pooled_over_defects_and_no_mean_of_images() -> None:
    rule = OverlapRule()
    pooled = pool_defects(
        [DefectMetrics(Rate(9, 9), Rate(0, 0), rule), DefectMetrics(Rate(0, 1), Rate(1, 2), rule)], rule
    )
    assert (pooled.recall, pooled.precision) == (0.9, 0.5)


def test_without_cases_there_is_no_value() -> None:
    nothing = np.zeros((3, 3), np.uint8)
    for rule in (OverlapRule(), OverlapRule("iou", 0.5)):
        metrics = match(nothing, nothing, rule)
        assert (metrics.recall, metrics.precision) == (None, None)
        assert metrics.to_dict() == {
            "rule": str(rule),
            "recall": None,
            "defects": 0,
            "defects_found": 0,
            "precision": None,
            "regions": 0,
            "regions_right": 0,
        }


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_share_that_means_nothing_is_refused(share: float) -> None:
    with pytest.raises(UsageProblem, match="above 0"):
        OverlapRule("iou", share)
