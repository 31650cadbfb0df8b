"""Pixel metrics from one confusion matrix that is pooled over the whole set.

Never per batch: the authors of CheapNet reset theirs at every batch, and two of their published figures come from a
single image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import MaskError

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PixelMetrics:
    """Figures of one confusion matrix; fractions from 0 to 1.

    Attributes:
        miou: Mean over the classes of TP / (TP + FP + FN).
        macc: Mean over the classes of TP / (TP + FN).
        iou: Class name → TP / (TP + FP + FN).
        images: How many masks were pooled.
    """

    miou: float
    macc: float
    iou: Mapping[str, float]
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON-ready data; figures without a value are None."""
        iou = {name: _finite_or_none(value) for name, value in self.iou.items()}
        return {
            "miou": _finite_or_none(self.miou),
            "macc": _finite_or_none(self.macc),
            "iou": iou,
            "images": self.images,
        }


class ConfusionMatrix:
    """Counts pixels by (true class, predicted class).

    Args:
        classes: Names by mask value, the background first.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.counts = np.zeros((len(classes), len(classes)), np.int64)
        self.images = 0

    def add(self, truth: Mask, predicted: Mask) -> None:
        """Count one mask.

        Raises:
            MaskError: If the shapes differ or a value is no class.
        """
        classes = len(self.counts)
        if truth.shape != predicted.shape:
            raise MaskError(f"The predicted mask is {predicted.shape}, the true one {truth.shape}.")
        largest = max(int(truth.max(initial=0)), int(predicted.max(initial=0)))
        if largest >= classes:
            raise MaskError(f"A mask holds the value {largest}; there are {classes} classes.")
        pairs = truth.reshape(-1).astype(np.int64) * classes + predicted.reshape(-1)
        self.counts += np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
        self.images += 1

    def metrics(self) -> PixelMetrics:
        """Return the figures; a class that is neither there nor predicted does not count in the means."""
        hits = np.diag(self.counts).astype(float)
        truth, predicted = self.counts.sum(axis=1), self.counts.sum(axis=0)
        union = truth + predicted - hits
        iou = np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)
        recall = np.divide(hits, truth, out=np.full(len(hits), np.nan), where=truth > 0)
        named = dict(zip(self.classes, map(float, iou), strict=True))
        return PixelMetrics(miou=_mean(iou), macc=_mean(recall), iou=named, images=self.images)


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
