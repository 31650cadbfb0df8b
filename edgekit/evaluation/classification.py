"""Figures of a classifying target, pooled from one confusion matrix of images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.evaluation.bootstrap import Figures, Intervals, Sums, bootstrap_intervals
from edgekit.evaluation.confusion import Counts
from edgekit.evaluation.image_level import ImageMetrics, JudgedImage, count_outcome, measure_images, rates_of
from edgekit.evaluation.rates import Rate

SCORE = "probability that it is not the normal class"


@dataclass(frozen=True, eq=False)
class ClassRecord:
    """One image's share of the figures.

    Attributes:
        name: The item's name.
        group: The item's group.
        kinds: Which kinds of defect it shows, where they have names.
        truth: Index of its class.
        predicted: Index of the class that was answered; None where the probabilities are not finite, which is wrong
            whatever the truth, and a rejection, as in the runtime.
        judged: The image as defective or not; None where no class is the normal one.
        ms: Milliseconds that the answer took.
    """

    name: str
    group: str
    kinds: tuple[str, ...]
    truth: int
    predicted: int | None
    judged: JudgedImage | None
    ms: float


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class, from 0 to 1; None where there is no case.

    Attributes:
        precision: TP / (TP + FP), None where the class was never answered.
        recall: TP / (TP + FN), None where the class is absent.
        f1: 2·TP / (2·TP + FP + FN), None where it is neither there nor answered.
        images: TP + FN.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, "images": self.images}


@dataclass(frozen=True)
class ClassMetrics:
    """Figures of a classifying target, pooled over a whole dataset.

    Attributes:
        correct: Images whose class was answered, of all.
        macc: Mean recall over the classes that are there, so that a rare class counts as much as a common one; NaN
            without an image.
        per_class: Class → its figures.
        confusion: int64 (K, K + 1), images by (true class, answered class); the last column is those without a
            usable answer.
        image_level: Escapes, overkill and AUROC of defective against normal; None where no class is the normal one.
        per_kind: Kind of defect → how many images show it and escaped; empty where kinds have no names, or no class
            is the normal one.
        intervals: Of accuracy, macc, escape and overkill over groups; None where they were not asked for.
        records: What each image added, in the dataset's order.
    """

    correct: Rate
    macc: float
    per_class: Mapping[str, ClassFigures]
    confusion: Counts
    image_level: ImageMetrics | None
    per_kind: Mapping[str, Rate]
    intervals: Intervals | None = None
    records: tuple[ClassRecord, ...] = field(default=(), repr=False)

    @property
    def images(self) -> int:
        """How many images were measured."""
        return self.correct.total

    @property
    def accuracy(self) -> float:
        """Images whose class was answered / images; NaN without an image."""
        return math.nan if self.correct.value is None else self.correct.value

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; those without a value are None.

        Keys: "accuracy" (a number), "macc", "images", "correct" (see `Rate`), "classes" (class → "precision",
        "recall", "f1", "images"), "confusion" (rows of true classes, with a last column of answers that were no
        numbers) and "image_level" (see `ImageMetrics`, or None). Kinds and intervals are asked for apart.
        """
        return {
            "accuracy": self.correct.value,
            "macc": None if math.isnan(self.macc) else self.macc,
            "images": self.images,
            "correct": self.correct.to_dict(),
            "classes": {name: figures.to_dict() for name, figures in self.per_class.items()},
            "confusion": self.confusion.tolist(),
            "image_level": None if self.image_level is None else self.image_level.to_dict(),
        }


def pool_class_records(
    records: Sequence[ClassRecord],
    classes: Sequence[str],
    *,
    mm_per_px: float | None = None,
    intervals_seed: int | None = None,
) -> ClassMetrics:
    """Return the figures over all images.

    Args:
        records: One per image.
        classes: Names by class index.
        mm_per_px: Millimetres per pixel along the web, where known.
        intervals_seed: Seed of the intervals' draws; None leaves intervals out.
    """
    confusion = np.zeros((len(classes), len(classes) + 1), np.int64)
    for record in records:
        confusion[record.truth, len(classes) if record.predicted is None else record.predicted] += 1
    judged = [record.judged for record in records if record.judged is not None]
    known = len(judged) == len(records) > 0
    return ClassMetrics(
        correct=Rate(int(np.trace(confusion)), len(records)),
        macc=_mean_recall(confusion),
        per_class={name: _measure_class(confusion, index) for index, name in enumerate(classes)},
        confusion=confusion,
        image_level=measure_images(judged, score=SCORE, mm_per_px=mm_per_px) if known else None,
        per_kind=_pool_kinds(records) if known else {},
        intervals=None
        if intervals_seed is None
        else _measure_intervals(records, len(classes), intervals_seed),
        records=tuple(records),
    )


def _measure_class(confusion: Counts, index: int) -> ClassFigures:
    hits = int(confusion[index, index])
    truth, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassFigures(
        precision=hits / predicted if predicted else None,
        recall=hits / truth if truth else None,
        f1=2 * hits / (truth + predicted) if truth + predicted else None,
        images=truth,
    )


def _mean_recall(confusion: Counts | Sums) -> float:
    truth = confusion.sum(axis=1)
    there = truth > 0
    return float((np.diag(confusion)[there] / truth[there]).mean()) if there.any() else math.nan


def _pool_kinds(records: Sequence[ClassRecord]) -> dict[str, Rate]:
    kinds = sorted({kind for record in records for kind in record.kinds})
    shown = {kind: [one.judged for one in records if kind in one.kinds and one.judged] for kind in kinds}
    return {kind: Rate(sum(not one.flagged for one in all_), len(all_)) for kind, all_ in shown.items()}


def _measure_intervals(records: Sequence[ClassRecord], classes: int, seed: int) -> Intervals:
    columns = classes + 1

    def sums_of(record: ClassRecord) -> list[int]:
        cells = [0] * (classes * columns)
        cells[record.truth * columns + (classes if record.predicted is None else record.predicted)] = 1
        return [*cells, *count_outcome(record.judged)]

    def figures_of(pooled: Sums) -> Figures:
        confusion = pooled[:-4].reshape(classes, columns)
        accuracy = float(np.trace(confusion) / confusion.sum())
        return {"accuracy": accuracy, "macc": _mean_recall(confusion), **rates_of(pooled[-4:])}

    groups = [record.group for record in records]
    return bootstrap_intervals(groups, [sums_of(record) for record in records], figures_of, seed=seed)
