"""What early exits do on a dataset: who answers, how well, and what that saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.evaluation.calibration_error import CalibrationError, measure_calibration
from edgekit.evaluation.class_figures import AnswerFigures, measure_answers
from edgekit.evaluation.class_records import ClassRecord
from edgekit.evaluation.early_exits import ExitPoint
from edgekit.evaluation.rates import Rate


@dataclass(frozen=True)
class ExitCost:
    """Multiply-accumulates of these images (rule `macs`); they hold for this set's share of defects, not for a line's.

    Attributes:
        mean: Per image, at the exits that answered.
        last_exit: Per image, if each went to the last exit.
        per_class: Class → `mean` over its images; None where it has none.
    """

    mean: float
    last_exit: float
    per_class: Mapping[str, float | None]

    @property
    def relative(self) -> float | None:
        """Cost relative to sending every image to the last exit, from 0 to 1; None where that costs nothing."""
        return self.mean / self.last_exit if self.last_exit else None

    def to_dict(self) -> dict[str, Any]:
        """Return "mean", "last_exit", "relative" and "classes"."""
        return {
            "mean": self.mean,
            "last_exit": self.last_exit,
            "relative": self.relative,
            "classes": dict(self.per_class),
        }


@dataclass(frozen=True)
class ExitSet:
    """How one exit alone answers a set of images.

    Attributes:
        figures: Accuracy, recall, precision, escapes and overkill.
        calibration: Its confidence against its accuracy.
    """

    figures: AnswerFigures
    calibration: CalibrationError

    def to_dict(self) -> dict[str, Any]:
        """Return the figures (see `AnswerFigures`), and "calibration" (see `CalibrationError`)."""
        return {**self.figures.to_dict(), "calibration": self.calibration.to_dict()}


@dataclass(frozen=True)
class SingleExit:
    """One exit alone.

    Attributes:
        every_image: As if it answered every image: what a network that ends here is worth.
        reached: On the images that no exit before it answered: what its threshold decides on.
    """

    every_image: ExitSet
    reached: ExitSet

    def to_dict(self) -> dict[str, Any]:
        """Return "every_image" and "reached" (see `ExitSet`)."""
        return {"every_image": self.every_image.to_dict(), "reached": self.reached.to_dict()}


@dataclass(frozen=True)
class ExitMetrics:
    """Figures of early exits, pooled over a whole dataset.

    Attributes:
        points: The exits, in order; what has one entry per exit follows this order.
        answered: Class → how many of its images each exit answered.
        correct: Of the images that an exit answered, those whose class was right.
        low_confidence: Images that the last exit answered below its own threshold, of all images.
        cost: None without an image.
        alone: Each exit by itself; () unless that was asked for.
    """

    points: tuple[ExitPoint, ...]
    answered: Mapping[str, tuple[int, ...]]
    correct: tuple[Rate, ...]
    low_confidence: Rate
    cost: ExitCost | None
    alone: tuple[SingleExit, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data.

        Keys: "exits", a list with "exit" (its number), "name", "threshold", "answered" (images), "share" (of all
        images), "classes" (class → "answered" and "share" of its images), "correct" (see `Rate`) and "alone" (see
        `SingleExit`; None unless asked for); "low_confidence" (see `Rate`); "macs" (see `ExitCost`, or None).
        """
        return {
            "exits": [self._exit_to_dict(place) for place in range(len(self.points))],
            "low_confidence": self.low_confidence.to_dict(),
            "macs": None if self.cost is None else self.cost.to_dict(),
        }

    def _exit_to_dict(self, place: int) -> dict[str, Any]:
        point = self.points[place]
        answered = Rate(self.correct[place].total, self.low_confidence.total)
        per_class = {name: Rate(counts[place], sum(counts)) for name, counts in self.answered.items()}
        return {
            "exit": point.number,
            "name": point.name,
            "threshold": point.threshold,
            "answered": answered.count,
            "share": answered.value,
            "classes": {
                name: {"answered": rate.count, "share": rate.value} for name, rate in per_class.items()
            },
            "correct": self.correct[place].to_dict(),
            "alone": self.alone[place].to_dict() if self.alone else None,
        }


def pool_exits(
    records: Sequence[ClassRecord], classes: Sequence[str], points: Sequence[ExitPoint]
) -> ExitMetrics:
    """Return the figures over all images.

    Args:
        records: One per image; each says which exit answered.
        classes: Names by class index.
        points: The exits, in order.
    """
    place_of = {point.number: place for place, point in enumerate(points)}
    places = [place_of[record.exit] for record in records if record.exit is not None]
    answered = np.zeros((len(classes), len(points)), np.int64)
    correct = np.zeros(len(points), np.int64)
    for record, place in zip(records, places, strict=True):
        answered[record.truth, place] += 1
        correct[place] += record.predicted == record.truth
    return ExitMetrics(
        points=tuple(points),
        answered={name: tuple(row) for name, row in zip(classes, answered.tolist(), strict=True)},
        correct=tuple(
            Rate(right, total)
            for right, total in zip(correct.tolist(), answered.sum(axis=0).tolist(), strict=True)
        ),
        low_confidence=Rate(sum(record.low_confidence for record in records), len(records)),
        cost=_measure_cost(records, places, classes) if records else None,
        alone=_measure_alone(records, places, classes, len(points))
        if records and all(record.alone for record in records)
        else (),
    )


def _measure_cost(records: Sequence[ClassRecord], places: Sequence[int], classes: Sequence[str]) -> ExitCost:
    spent = np.array([record.macs[place] for record, place in zip(records, places, strict=True)], np.float64)
    truths = np.array([record.truth for record in records])
    return ExitCost(
        mean=float(spent.mean()),
        last_exit=float(np.mean([record.macs[-1] for record in records])),
        per_class={
            name: float(spent[truths == index].mean()) if (truths == index).any() else None
            for index, name in enumerate(classes)
        },
    )


def _measure_alone(
    records: Sequence[ClassRecord], places: Sequence[int], classes: Sequence[str], exits: int
) -> tuple[SingleExit, ...]:
    return tuple(
        SingleExit(
            every_image=_measure_set(records, place, classes),
            reached=_measure_set(
                [record for record, own in zip(records, places, strict=True) if own >= place], place, classes
            ),
        )
        for place in range(exits)
    )


def _measure_set(records: Sequence[ClassRecord], place: int, classes: Sequence[str]) -> ExitSet:
    truths = [record.truth for record in records]
    answers = [record.alone[place] for record in records]
    return ExitSet(
        figures=measure_answers(truths, answers, classes),
        calibration=measure_calibration(
            [answer.confidence for answer in answers],
            [answer.predicted == truth for answer, truth in zip(answers, truths, strict=True)],
        ),
    )
