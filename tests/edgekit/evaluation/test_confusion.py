"""Pixel metrics against an independent computation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torchmetrics.functional.classification import (
    binary_precision,
    binary_recall,
    binary_specificity,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_recall,
)
from torchmetrics.functional.segmentation import dice_score

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

    # Of 3 defect pixels 2 are found, of 5 others 1 is.
    assert metrics.dice == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert metrics.precision == pytest.approx(2 / 3)
    assert metrics.fnr == pytest.approx(1 / 3)
    assert metrics.fpr == pytest.approx(1 / 5)


def test_the_wrong_kind_counts_as_found_but_lowers_dice() -> None:
    truth, found = np.array([[0, 1, 2, 2]], np.uint8), np.array([[0, 2, 2, 2]], np.uint8)
    metrics = pool([(truth, found)], 3).metrics()
    assert (metrics.precision, metrics.fpr, metrics.fnr) == (1.0, 0.0, 0.0)
    assert metrics.dice == pytest.approx((0 + 2 * 2 / (2 * 2 + 1)) / 2)


@given(
    data=arrays.arrays(np.uint8, (2, 30), elements=st.integers(0, 2)),
    classes=st.sampled_from([2, 3]),
)
@settings(deadline=None)
def test_equals_torchmetrics(data: np.ndarray, classes: int) -> None:
    data = np.minimum(data, classes - 1)
    # Every class is there: without cases torchmetrics answers 0, edgekit None.
    truth, found = np.concatenate([data, np.arange(classes, dtype=np.uint8)[None].repeat(2, axis=0)], axis=1)
    metrics = pool([(truth[None], found[None])], classes).metrics()
    target, answer = torch.from_numpy(truth.astype(int)), torch.from_numpy(found.astype(int))
    options = {"num_classes": classes, "average": None}
    jaccard = multiclass_jaccard_index(answer, target, **options)
    assert list(metrics.iou.values()) == pytest.approx(jaccard.tolist(), abs=1e-6)
    assert metrics.miou == pytest.approx(float(jaccard.mean()), abs=1e-6)
    recall = multiclass_recall(answer, target, num_classes=classes, average="macro")
    assert metrics.macc == pytest.approx(float(recall), abs=1e-6)
    dice = multiclass_f1_score(answer, target, **options)
    assert metrics.dice == pytest.approx(float(dice[1:].mean()), abs=1e-6)
    segmentation = dice_score(
        answer[None],
        target[None],
        num_classes=classes,
        include_background=False,
        average="macro",
        input_format="index",
    )
    assert metrics.dice == pytest.approx(float(segmentation), abs=1e-6)
    binary = (answer > 0, target > 0)
    assert metrics.precision == pytest.approx(float(binary_precision(*binary)), abs=1e-6)
    assert metrics.fpr == pytest.approx(1 - float(binary_specificity(*binary)), abs=1e-6)
    assert metrics.fnr == pytest.approx(1 - float(binary_recall(*binary)), abs=1e-6)


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
        "dice": None,
        "precision": None,
        "fpr": None,
        "fnr": None,
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
