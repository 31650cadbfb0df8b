"""Every figure of a classifying target on one dataset, pooled from what each image adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.evaluation.bootstrap import Figures, Intervals, Sums, bootstrap_intervals
from edgekit.evaluation.class_figures import AnswerFigures, mean_recall, measure_answers
from edgekit.evaluation.class_records import ClassRecord
from edgekit.evaluation.early_exits import ExitPoint
from edgekit.evaluation.exit_metrics import ExitMetrics, pool_exits
from edgekit.evaluation.image_level import count_outcome, rates_of
from edgekit.evaluation.rates import Rate


@dataclass(frozen=True)
class ClassMetrics(AnswerFigures):
    """Figures of a classifying target, pooled over a whole dataset: those of its answers, and what explains them.

    Attributes:
        per_kind: Kind of defect → how many images show it and escaped; empty where kinds have no names, or no class
            is the normal one.
        exits: Which exit answered, and what that costs; None without early exits.
        intervals: Of accuracy, macc, escape and overkill over groups; None where they were not asked for.
        records: What each image added, in the dataset's order.
    """

    per_kind: Mapping[str, Rate]
    exits: ExitMetrics | None = None
    intervals: Intervals | None = None
    records: tuple[ClassRecord, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; those without a value are None.

        Keys: those of `AnswerFigures`, and "exits" (see `ExitMetrics`, or None). Kinds and intervals are asked for
        apart.
        """
        return {**super().to_dict(), "exits": None if self.exits is None else self.exits.to_dict()}


def pool_class_records(
    records: Sequence[ClassRecord],
    classes: Sequence[str],
    *,
    exits: Sequence[ExitPoint] = (),
    mm_per_px: float | None = None,
    intervals_seed: int | None = None,
) -> ClassMetrics:
    """Return the figures over all images.

    Args:
        records: One per image.
        classes: Names by class index.
        exits: The network's early exits; () where it has none.
        mm_per_px: Millimetres per pixel along the web, where known.
        intervals_seed: Seed of the intervals' draws; None leaves intervals out.
    """
    truths, answers = [record.truth for record in records], [record.answer for record in records]
    figures = measure_answers(truths, answers, classes, mm_per_px=mm_per_px)
    return ClassMetrics(
        correct=figures.correct,
        macc=figures.macc,
        per_class=figures.per_class,
        confusion=figures.confusion,
        image_level=figures.image_level,
        per_kind={} if figures.image_level is None else _pool_kinds(records),
        exits=pool_exits(records, classes, exits) if exits else None,
        intervals=None
        if intervals_seed is None
        else _measure_intervals(records, len(classes), intervals_seed),
        records=tuple(records),
    )


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
        return {"accuracy": accuracy, "macc": mean_recall(confusion), **rates_of(pooled[-4:])}

    groups = [record.group for record in records]
    return bootstrap_intervals(groups, [sums_of(record) for record in records], figures_of, seed=seed)
