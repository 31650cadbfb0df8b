"""Average precision of boxes, by the rules of COCO.

Boxes of an image are taken by falling score, at most 100; each takes the unmatched true box with which it has the
largest IoU, if that reaches the threshold. Over all images, by falling score, precision and recall are followed; the
precision at a recall is the best that is reached at that recall or a higher one, and AP is its mean over the recalls
0, 0.01, …, 1. AP@[.5:.95] is the mean over the thresholds 0.50, 0.55, …, 0.95; AP50 is that of 0.50. There is one
category, "defect", and boxes of every area count. Equal scores stay in the order of the images, as in COCO's own code:
where all scores are equal, AP depends on that order.

Two ways to make boxes of a mask, because the papers differ (CheapNet's figures are of the first):

    whole_mask    one box per image, around every defect pixel, score 1
    components    one box per region, score the mean probability of its pixels, or 1 where a target gives masks only
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.absolute_error import sigmoid
from edgekit.evaluation.defect_level import AREA, LabelledRegions

BoxMode = Literal["whole_mask", "components"]
MODES: tuple[BoxMode, ...] = ("whole_mask", "components")

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_BOXES = 100

Boxes = npt.NDArray[np.float64]
"""float64 (B, 4): x1, y1, x2, y2, half-open, in pixels."""


@dataclass(frozen=True, eq=False)
class ImageBoxes:
    """True and found boxes of one image.

    Attributes:
        truth: float64 (T, 4).
        found: float64 (F, 4).
        scores: float64 (F,).
    """

    truth: Boxes
    found: Boxes
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True)
class AveragePrecision:
    """AP@[.5:.95] and AP50, from 0 to 1; both None where there is no true box."""

    ap: float | None
    ap50: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return "ap" and "ap50"."""
        return {"ap": self.ap, "ap50": self.ap50}


def box_masks(truth: npt.NDArray[np.uint8], found: npt.NDArray[np.uint8]) -> ImageBoxes:
    """Return one box around each mask, uint8 (H, W), that has a defect pixel; score 1."""
    boxes = _box_whole(found)
    return ImageBoxes(_box_whole(truth), boxes, np.ones(len(boxes)))


def box_regions(
    truth: LabelledRegions, found: LabelledRegions, logits: npt.NDArray[np.float32] | None
) -> ImageBoxes:
    """Return one box per region; the score is the mean sigmoid of the logits, float32 (H, W), in it, or 1."""
    if logits is None:
        scores = np.ones(len(found.rows))
    else:
        sums = np.bincount(
            found.labels.reshape(-1), weights=sigmoid(logits).reshape(-1), minlength=len(found.rows) + 1
        )
        scores = sums[1:] / found.rows[:, AREA]
    return ImageBoxes(truth.rows[:, :4].astype(float), found.rows[:, :4].astype(float), scores)


def average_precision(images: Sequence[ImageBoxes]) -> AveragePrecision:
    """Return AP over a set of images, in their order."""
    total = sum(len(image.truth) for image in images)
    if not total:
        return AveragePrecision(None, None)
    scores, hits = [np.empty(0)], [np.empty((len(IOU_THRESHOLDS), 0), bool)]
    for image in images:
        order = np.argsort(-image.scores, kind="stable")[:MOST_BOXES]
        scores.append(image.scores[order])
        hits.append(_match_boxes(image.found[order], image.truth))
    ranked = np.concatenate(hits, axis=1)[:, np.argsort(-np.concatenate(scores), kind="stable")]
    values = [_interpolate(row, total) for row in ranked]
    return AveragePrecision(float(np.mean(values)), values[0])


def _box_whole(mask: npt.NDArray[np.uint8]) -> Boxes:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.empty((0, 4))
    return np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], float)


def _match_boxes(found: Boxes, truth: Boxes) -> npt.NDArray[np.bool_]:
    """Return for each threshold which found boxes, given by falling score, take a true one: bool (thresholds, F)."""
    overlap = _intersect_over_union(found, truth)
    hits = np.zeros((len(IOU_THRESHOLDS), len(found)), bool)
    if not len(truth):
        return hits
    for row, threshold in zip(hits, IOU_THRESHOLDS, strict=True):
        free = np.ones(len(truth), bool)
        for index, candidates in enumerate(overlap):
            left = np.where(free, candidates, -1.0)
            # Of equal ones the last, as COCO's code takes it.
            best = len(left) - 1 - int(left[::-1].argmax())
            if left[best] >= threshold:
                row[index] = True
                free[best] = False
    return hits


def _intersect_over_union(found: Boxes, truth: Boxes) -> npt.NDArray[np.float64]:
    """Return IoU, float64 (F, T)."""
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:], truth[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (found, truth)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _interpolate(hits: npt.NDArray[np.bool_], total: int) -> float:
    """Return the mean over `RECALLS` of the best precision at that recall or beyond, 0 where it is not reached."""
    right = np.cumsum(hits)
    recall = right / total
    precision = right / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(best, 0.0)[place].mean())
