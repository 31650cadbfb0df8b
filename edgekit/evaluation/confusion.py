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


Counts = npt.NDArray[np.int64]
"""int64 (K, K): pixels by (true class, predicted class)."""


@dataclass(frozen=True)
class PixelMetrics:
    """Figures of one confusion matrix; fractions from 0 to 1, NaN where there is no pixel to tell (None in JSON).

    `precision`, `fpr` and `fnr` ask whether a pixel is a defect, of whichever kind: TP are defect pixels that were
    found as any kind, FP background pixels that were found, FN defect pixels that were not, TN the others.

    Attributes:
        miou: Mean over the classes of TP / (TP + FP + FN).
        macc: Mean over the classes of TP / (TP + FN).
        iou: Class name → TP / (TP + FP + FN).
        dice: Mean over the defect classes of 2·TP / (2·TP + FP + FN).
        precision: TP / (TP + FP).
        fpr: FP / (FP + TN), the share of the background that was found.
        fnr: FN / (FN + TP), the share of the defects that was not.
        images: How many masks were pooled.
    """

    miou: float
    macc: float
    iou: Mapping[str, float]
    dice: float
    precision: float
    fpr: float
    fnr: float
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON-ready data; figures without a value are None."""
        return {
            "miou": _finite_or_none(self.miou),
            "macc": _finite_or_none(self.macc),
            "iou": {name: _finite_or_none(value) for name, value in self.iou.items()},
            "dice": _finite_or_none(self.dice),
            "precision": _finite_or_none(self.precision),
            "fpr": _finite_or_none(self.fpr),
            "fnr": _finite_or_none(self.fnr),
            "images": self.images,
        }


class ConfusionMatrix:
    """Counts pixels by (true class, predicted class).

    Args:
        classes: Names by mask value, the background first.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.counts: Counts = np.zeros((len(classes), len(classes)), np.int64)
        self.images = 0

    def add(self, truth: Mask, predicted: Mask) -> None:
        """Count one mask.

        Raises:
            MaskError: If the shapes differ or a value is no class.
        """
        self.counts += count_pixels(truth, predicted, len(self.classes))
        self.images += 1

    def metrics(self) -> PixelMetrics:
        """Return the figures; a class that is neither there nor predicted does not count in the means."""
        return measure_counts(self.counts, self.classes, images=self.images)


def count_pixels(truth: Mask, predicted: Mask, classes: int) -> Counts:
    """Return the confusion matrix of one mask.

    Raises:
        MaskError: If the shapes differ or a value is no class.
    """
    if truth.shape != predicted.shape:
        raise MaskError(f"The predicted mask is {predicted.shape}, the true one {truth.shape}.")
    largest = max(int(truth.max(initial=0)), int(predicted.max(initial=0)))
    if largest >= classes:
        raise MaskError(f"A mask holds the value {largest}; there are {classes} classes.")
    pairs = truth.reshape(-1).astype(np.int64) * classes + predicted.reshape(-1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def measure_counts(
    counts: Counts | npt.NDArray[np.float64], classes: Sequence[str], *, images: int
) -> PixelMetrics:
    """Return the figures of a confusion matrix (K, K) of whole numbers, which was pooled over so many images."""
    hits = np.diag(counts).astype(float)
    truth, predicted = counts.sum(axis=1), counts.sum(axis=0)
    iou = _divide(hits, truth + predicted - hits)
    found, missed, alarms = counts[1:, 1:].sum(), counts[1:, 0].sum(), counts[0, 1:].sum()
    shares = _divide(
        np.array([found, alarms, missed], float),
        np.array([found + alarms, alarms + counts[0, 0], missed + found], float),
    )
    precision, fpr, fnr = map(float, shares)
    return PixelMetrics(
        miou=_mean(iou),
        macc=_mean(_divide(hits, truth)),
        iou=dict(zip(classes, map(float, iou), strict=True)),
        dice=_mean(_divide(2 * hits, truth + predicted)[1:]),
        precision=precision,
        fpr=fpr,
        fnr=fnr,
        images=images,
    )


def _divide(parts: npt.NDArray[Any], wholes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0))


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
