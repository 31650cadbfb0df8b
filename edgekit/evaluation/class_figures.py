"""Figures of a set of answered classes: one confusion matrix of images, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.evaluation.bootstrap import Sums
from edgekit.evaluation.class_records import ClassAnswer
from edgekit.evaluation.confusion import Counts
from edgekit.evaluation.image_level import ImageMetrics, measure_images
from edgekit.evaluation.rates import Rate

SCORE = "probability that it is not the normal class"


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
class AnswerFigures:
    """Figures of answers, of a whole target or of one exit of it.

    Attributes:
        correct: Images whose class was answered, of all.
        macc: Mean recall over the classes that are there, so that a rare class counts as much as a common one; NaN
            without an image.
        per_class: Class → its figures.
        confusion: int64 (K, K + 1), images by (true class, answered class); the last column is those without a
            usable answer.
        image_level: Escapes, overkill and AUROC of defective against normal; None where no class is the normal one.
    """

    correct: Rate
    macc: float
    per_class: Mapping[str, ClassFigures]
    confusion: Counts
    image_level: ImageMetrics | None

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
        numbers) and "image_level" (see `ImageMetrics`, or None).
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


def measure_answers(
    truths: Sequence[int],
    answers: Sequence[ClassAnswer],
    classes: Sequence[str],
    *,
    mm_per_px: float | None = None,
) -> AnswerFigures:
    """Return the figures of answers.

    Args:
        truths: True class index of each image.
        answers: One per image.
        classes: Names by class index.
        mm_per_px: Millimetres per pixel along the web, where known.
    """
    confusion = np.zeros((len(classes), len(classes) + 1), np.int64)
    for truth, answer in zip(truths, answers, strict=True):
        confusion[truth, len(classes) if answer.predicted is None else answer.predicted] += 1
    judged = [answer.judged for answer in answers if answer.judged is not None]
    known = len(judged) == len(answers) > 0
    return AnswerFigures(
        correct=Rate(int(np.trace(confusion)), len(answers)),
        macc=mean_recall(confusion),
        per_class={name: _measure_class(confusion, index) for index, name in enumerate(classes)},
        confusion=confusion,
        image_level=measure_images(judged, score=SCORE, mm_per_px=mm_per_px) if known else None,
    )


def mean_recall(confusion: Counts | Sums) -> float:
    """Return the mean of TP / (TP + FN) over the classes that are there, of a matrix (K, K + 1); NaN without one."""
    truth = confusion.sum(axis=1)
    there = truth > 0
    return float((np.diag(confusion)[there] / truth[there]).mean()) if there.any() else math.nan


def _measure_class(confusion: Counts, index: int) -> ClassFigures:
    hits = int(confusion[index, index])
    truth, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassFigures(
        precision=hits / predicted if predicted else None,
        recall=hits / truth if truth else None,
        f1=2 * hits / (truth + predicted) if truth + predicted else None,
        images=truth,
    )
