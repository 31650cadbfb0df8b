"""How often images are judged wrongly, with what their number allows to say: any choice is reported in these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.evaluation.bootstrap import Sums, bootstrap_intervals
from edgekit.evaluation.image_level import (
    OUTCOMES,
    JudgedImage,
    PerMetre,
    count_outcome,
    measure_images,
    rates_of,
)
from edgekit.evaluation.rates import Rate

Interval = tuple[float, float]

SEED = 0
"""Of the draws of groups."""


@dataclass(frozen=True)
class ImageRates:
    """Errors on a set of images.

    Attributes:
        escape: Of the defective images.
        overkill: Of the defect-free images.
        escape_interval: 95 %: Wilson's, and where images are in groups, as much wider as drawing groups makes it; where
            no image is judged otherwise than the rest, Wilson's of the groups.
        overkill_interval: The same.
        per_metre: Errors per metre of web; None where mm per pixel are not known.
    """

    escape: Rate
    overkill: Rate
    escape_interval: Interval
    overkill_interval: Interval
    per_metre: PerMetre | None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data; rates as `Rate.to_dict`, with these intervals."""
        return {
            "escape": {**self.escape.to_dict(), "interval": list(self.escape_interval)},
            "overkill": {**self.overkill.to_dict(), "interval": list(self.overkill_interval)},
            "per_metre": None if self.per_metre is None else self.per_metre.to_dict(),
        }


def rate_images(
    judged: Sequence[JudgedImage], groups: Sequence[str], *, mm_per_px: float | None
) -> ImageRates:
    """Return the rates of images, of both kinds, and the group of each."""
    return rate_answers([judged], groups, mm_per_px=mm_per_px)[0]


def rate_answers(
    answers: Sequence[Sequence[JudgedImage]], groups: Sequence[str], *, mm_per_px: float | None
) -> list[ImageRates]:
    """Return the rates of the same images, answered in several ways: their groups are drawn once for all."""
    drawn = _draw_groups(answers, groups)
    rates = []
    for place, judged in enumerate(answers):
        figures = measure_images(judged, score="", mm_per_px=mm_per_px)
        things = {shown: count_wrong_groups(judged, groups, defective=shown)[1] for shown in (True, False)}
        rates.append(
            ImageRates(
                escape=figures.escape,
                overkill=figures.overkill,
                escape_interval=_widen(figures.escape, things[True], drawn.get(f"escape {place}")),
                overkill_interval=_widen(figures.overkill, things[False], drawn.get(f"overkill {place}")),
                per_metre=figures.per_metre,
            )
        )
    return rates


def count_wrong_groups(
    judged: Sequence[JudgedImage], groups: Sequence[str], *, defective: bool
) -> tuple[int, int]:
    """Return how many groups of such images hold an error, and how many there are: images of one thing count once."""
    wrong: dict[str, bool] = {}
    for image, group in zip(judged, groups, strict=True):
        if image.defective == defective:
            wrong[group] = wrong.get(group, False) or image.outcome in ("escape", "overkill")
    return sum(wrong.values()), len(wrong)


def _draw_groups(
    answers: Sequence[Sequence[JudgedImage]], groups: Sequence[str]
) -> dict[str, Interval | None]:
    """Return the interval of "escape 0", "overkill 0" and so on, by the number of the answer."""
    if len(set(groups)) == len(groups):
        return {}
    # One vector per image, with the outcomes of all its answers: the draws are the same for all.
    outcomes = np.concatenate([[count_outcome(image) for image in judged] for judged in answers], axis=1)

    def rate_all(pooled: Sums) -> dict[str, float | None]:
        rows = pooled.reshape(len(answers), len(OUTCOMES))
        return {
            f"{name} {place}": rate for place, row in enumerate(rows) for name, rate in rates_of(row).items()
        }

    return dict(bootstrap_intervals(groups, list(outcomes), rate_all, seed=SEED).bounds)


def _widen(rate: Rate, groups: int, drawn: Interval | None) -> Interval:
    if rate.count in (0, rate.total):
        # All groups agree, so that drawing them shows nothing: what remains is how many there are.
        return Rate(groups if rate.count else 0, groups).interval or (0.0, 1.0)
    low, high = rate.interval or (0.0, 1.0)
    return (low, high) if drawn is None else (min(low, drawn[0]), max(high, drawn[1]))
