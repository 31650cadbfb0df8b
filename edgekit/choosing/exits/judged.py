"""Thresholds of exits as rates, with what a frame costs and which exits answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.choosing.exits.criterion import Criterion
from edgekit.choosing.exits.table import ExitCount, ExitTable
from edgekit.choosing.image_rates import ImageRates, rate_answers
from edgekit.choosing.known_images import KnownImages
from edgekit.evaluation.image_level import JudgedImage


@dataclass(frozen=True, eq=False)
class JudgedExits(ImageRates):
    """Thresholds on a set of images, beside their rates.

    Attributes:
        thresholds: As for `ExitCount`.
        macs: Expected multiply-accumulates per frame of the line.
        relative_cost: The same, of what the last exit costs.
        defective_macs: Mean of the defective images.
        normal_macs: Mean of the defect-free images.
        defective_exits: How many defective images each exit answers.
        normal_exits: How many defect-free images each exit answers.
    """

    thresholds: tuple[float, ...] | None
    macs: float
    relative_cost: float
    defective_macs: float
    normal_macs: float
    defective_exits: tuple[int, ...]
    normal_exits: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {
            "thresholds": None if self.thresholds is None else list(self.thresholds),
            **super().to_dict(),
            "cost": {
                "relative": self.relative_cost,
                "macs": self.macs,
                "defective_macs": self.defective_macs,
                "normal_macs": self.normal_macs,
            },
            "exits": {"defective": list(self.defective_exits), "normal": list(self.normal_exits)},
        }


def judge_exits(
    counts: Sequence[ExitCount],
    table: ExitTable,
    criterion: Criterion,
    images: KnownImages,
    *,
    mm_per_px: float | None,
) -> list[JudgedExits]:
    """Return the rates and the cost of what was counted.

    Args:
        counts: Each of all of the table's images.
        table: What the exits make of them.
        criterion: Says how often a frame of the line is defective.
        images: The images.
        mm_per_px: Where it is known.
    """
    answers = [list_judged(count, table, images) for count in counts]
    all_rates = rate_answers(answers, images.groups, mm_per_px=mm_per_px)
    return [_judge(count, rates, table, criterion) for count, rates in zip(counts, all_rates, strict=True)]


def _judge(count: ExitCount, rates: ImageRates, table: ExitTable, criterion: Criterion) -> JudgedExits:
    macs = criterion.expect_count(count)
    return JudgedExits(
        **vars(rates),
        thresholds=count.thresholds,
        macs=macs,
        relative_cost=macs / int(table.macs[-1]),
        defective_macs=count.defective_macs / table.defective_count,
        normal_macs=count.normal_macs / table.normal_count,
        defective_exits=_count_exits(count.answers[table.defective], table.exits),
        normal_exits=_count_exits(count.answers[~table.defective], table.exits),
    )


def list_judged(count: ExitCount, table: ExitTable, images: KnownImages) -> list[JudgedImage]:
    """Return every image as it is answered; its score is whether it is rejected."""
    wrong = table.wrong[np.arange(len(count.answers)), count.answers]
    return [
        JudgedImage(bool(shown), bool(rejected), float(rejected), int(height))
        for shown, rejected, height in zip(
            table.defective, wrong != table.defective, images.sizes[:, 0], strict=True
        )
    ]


def _count_exits(answers: Any, exits: int) -> tuple[int, ...]:
    return tuple(np.bincount(answers, minlength=exits).tolist())
