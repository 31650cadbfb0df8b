"""Pixel metrics against an independent computation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit.evaluation.confusion import ConfusionMatrix
from edgekit_runtime.errors import MaskError


def compute_independently(
    pairs: list[tuple[np.ndarray, np.ndarray]], classes: int
) -> tuple[float, float, list[float]]:
    """mIoU, mAcc and IoU per class, from the union of all pixels."""
    truth = np.concatenate([t.ravel() for t, _ in pairs])
    found = np.concatenate([f.ravel() for _, f in pairs])
    ious, recalls = [], []
    for k in range(classes):
        union = np.sum((truth == k) | (found == k))
        ious.append(np.sum((truth == k) & (found == k)) / union if union else math.nan)
        recalls.append(np.mean(found[truth == k] == k) if np.any(truth == k) else math.nan)
    known = [r for r in recalls if not math.isnan(r)]
    return float(np.nanmean(ious)), float(np.mean(known)), ious


CLASSES = ("background", "scratch", "hole")


def pool(pairs: list[tuple[np.ndarray, np.ndarray]], classes: int) -> ConfusionMatrix:
    matrix = ConfusionMatrix(CLASSES[:classes])
    for truth, found in pairs:
        matrix.add(truth, found)
    return matrix


@given(data=st.lists(arrays.arrays(np.uint8, (2, 5, 4), elements=st.integers(0, 2)), min_size=1, max_size=6))
@settings(deadline=None)
def test_equals_the_independent_computation(data: list[np.ndarray]) -> None:
    pairs = [(array[0], array[1]) for array in data]
    metrics = pool(pairs, 3).metrics()
    miou, macc, ious = compute_independently(pairs, 3)
    assert metrics.miou == pytest.approx(miou)
    assert metrics.macc == pytest.approx(macc)
    assert metrics.iou == pytest.approx(dict(zip(CLASSES, ious, strict=True)), nan_ok=True)
    assert metrics.images == len(pairs)


def test_by_hand() -> None:
    truth = np.array([[0, 0, 0, 1], [0, 0, 1, 1]], np.uint8)
    found = np.array([[0, 0, 1, 1], [0, 0, 0, 1]], np.uint8)
    metrics = pool([(truth, found)], 2).metrics()
    assert metrics.iou == {"background": 4 / 6, "scratch": 2 / 4}
    assert metrics.miou == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert metrics.macc == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_is_pooled_over_the_set_and_no_mean_of_images() -> None:
    big = (np.ones((10, 10), np.uint8), np.ones((10, 10), np.uint8))
    small = (np.ones((1, 1), np.uint8), np.zeros((1, 1), np.uint8))
    metrics = pool([big, small], 2).metrics()
    assert metrics.iou["scratch"] == 100 / 101  # the mean of the images would be 1/2
    assert metrics.iou["background"] == 0


def test_absent_classes_do_not_count() -> None:
    background = np.zeros((4, 4), np.uint8)
    metrics = pool([(background, background)], 2).metrics()
    assert (metrics.miou, metrics.macc) == (1.0, 1.0)
    assert math.isnan(metrics.iou["scratch"])
    # Predicted, but never there: an error that mIoU must see.
    wrong = background.copy()
    wrong[0, 0] = 1
    metrics = pool([(background, wrong)], 2).metrics()
    assert metrics.iou == {"background": 15 / 16, "scratch": 0.0}
    assert metrics.macc == 15 / 16


def test_json_holds_no_nan() -> None:
    for matrix in (ConfusionMatrix(CLASSES[:2]), pool([(np.zeros((2, 2), np.uint8),) * 2], 2)):
        json.dumps(matrix.metrics().to_dict(), allow_nan=False)
    assert ConfusionMatrix(CLASSES[:2]).metrics().to_dict() == {
        "miou": None,
        "macc": None,
        "iou": {"background": None, "scratch": None},
        "images": 0,
    }


@pytest.mark.parametrize("side", [0, 1])
def test_values_that_are_no_class_are_refused(side: int) -> None:
    masks = [np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)]
    masks[side][0, 0] = 2
    with pytest.raises(MaskError, match="value 2; there are 2 classes"):
        ConfusionMatrix(CLASSES[:2]).add(*masks)


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(MaskError, match=r"\(2, 3\)"):
        ConfusionMatrix(CLASSES[:2]).add(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
