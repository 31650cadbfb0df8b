"""A fast wrong peer gets no number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit_benchmarks.agreement import check_agreement
from edgekit_benchmarks.contestants import Answer, Contestant, Frames
from edgekit_runtime import find_regions

FRAME = np.zeros((1, 100, 100), np.uint8)
FRAME[0, 10:60, 10:80] = 1


def answer_with(mask: np.ndarray, regions: np.ndarray | None = None) -> Contestant:
    answer = Answer(mask, find_regions(mask) if regions is None else regions)
    return Contestant("any", lambda frames: frames, lambda frames: [answer] * len(frames))


def check(peer: Contestant, batches: tuple[Frames, ...] = (FRAME,)):  # type: ignore[no-untyped-def]
    return check_agreement(answer_with(FRAME[0]), peer, batches)


def test_the_same_mask_and_regions_agree() -> None:
    found = check(answer_with(FRAME[0].copy()))
    assert found.ok
    assert (found.differing_px, found.positive_px, found.pixels, found.iou) == (0, 3500, 10_000, 1.0)


def test_a_few_pixels_at_the_threshold_are_counted_and_allowed() -> None:
    mask = FRAME[0].copy()
    mask[10, 10:13] = 0
    found = check(answer_with(mask))
    assert found.ok
    assert found.differing_px == 3
    assert found.iou == pytest.approx(3497 / 3500)


def test_another_mask_does_not_agree() -> None:
    mask = FRAME[0].copy()
    mask[10, 10:14] = 0
    found = check(answer_with(mask))
    assert not found.ok
    assert "IoU 0.9989" in found.detail


def test_regions_of_another_mask_do_not_agree() -> None:
    wrong = find_regions(FRAME[0])
    wrong[0, 4] += 1
    found = check(answer_with(FRAME[0], wrong))
    assert not found.ok
    assert "the peer" in found.detail
    assert not check(answer_with(FRAME[0], np.empty((0, 6), np.int64))).ok


def test_other_numbers_of_answers_and_other_sizes_do_not_agree() -> None:
    silent = Contestant("silent", lambda frames: frames, lambda _frames: [])
    assert not check(silent).ok
    assert not check(answer_with(FRAME[0, :50])).ok
    assert not check(Contestant("other task", lambda frames: frames, lambda _: [Answer()])).ok


def test_masks_without_a_defect_say_so() -> None:
    empty = answer_with(np.zeros((4, 4), np.uint8))
    found = check_agreement(empty, empty, (np.zeros((1, 4, 4), np.uint8),))
    assert found.ok
    assert "no frame has a defect pixel" in found.detail


@pytest.mark.parametrize(
    ("theirs", "ok"), [([0.2, 0.8], True), ([0.21, 0.79], False), ([np.nan, 0.8], False)]
)
def test_probabilities_are_compared_where_a_network_classifies(theirs: list[float], ok: bool) -> None:
    def answer(values: list[float]) -> Contestant:
        return Contestant("any", lambda frames: frames, lambda _: [Answer(probabilities=np.array(values))])

    assert check_agreement(answer([0.2, 0.8]), answer(theirs), (FRAME,)).ok is ok


def test_answers_at_other_thresholds_must_agree_too() -> None:
    right = answer_with(FRAME[0])
    other = np.zeros_like(FRAME[0])
    checking = replace(right, check=lambda _: [Answer(FRAME[0], find_regions(FRAME[0]))])
    wrong = replace(right, check=lambda _: [Answer(other, find_regions(other))])
    assert check_agreement(checking, checking, (FRAME,)).ok
    assert not check_agreement(checking, wrong, (FRAME,)).ok
