"""Operating points as rates, with what the number of images allows to say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.operating_points import OperatingPoint, Sweep
from edgekit.evaluation.bootstrap import bootstrap_intervals
from edgekit.evaluation.image_level import JudgedImage, PerMetre, count_outcome, measure_images, rates_of
from edgekit.evaluation.rates import Rate

Interval = tuple[float, float]

SEED = 0
"""Of the draws of groups."""


@dataclass(frozen=True)
class JudgedPoint:
    """An operating point on a set of images.

    Attributes:
        point: The threshold and the least area.
        escape: Of the defective images.
        overkill: Of the defect-free images.
        escape_interval: 95 %: Wilson's, and where images are in groups, as much wider as drawing groups makes it; where
            no image is judged otherwise than the rest, Wilson's of the groups.
        overkill_interval: The same.
        per_metre: Errors per metre of web; None where mm per pixel are not known.
        min_area_mm2: The least area in mm²; None likewise.
    """

    point: OperatingPoint
    escape: Rate
    overkill: Rate
    escape_interval: Interval
    overkill_interval: Interval
    per_metre: PerMetre | None
    min_area_mm2: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data; rates as `Rate.to_dict`, with these intervals."""
        return {
            "threshold": self.point.threshold,
            "min_area_px": self.point.min_area_px,
            "min_area_mm2": self.min_area_mm2,
            "escape": {**self.escape.to_dict(), "interval": list(self.escape_interval)},
            "overkill": {**self.overkill.to_dict(), "interval": list(self.overkill_interval)},
            "per_metre": None if self.per_metre is None else self.per_metre.to_dict(),
        }


def judge_point(
    point: OperatingPoint, sweep: Sweep, images: KnownImages, *, mm_per_px: float | None
) -> JudgedPoint:
    """Return the rates of a point.

    Args:
        point: Of the sweep's threshold.
        sweep: The areas there.
        images: What it was measured on.
        mm_per_px: Where it is known.
    """
    judged = _judge_images(point, sweep, images)
    figures = measure_images(judged, score="deciding area, px", mm_per_px=mm_per_px)
    drawn = _draw_groups(judged, images.groups)
    return JudgedPoint(
        point=point,
        escape=figures.escape,
        overkill=figures.overkill,
        escape_interval=_widen(figures.escape, _count_things(images, defective=True), drawn.get("escape")),
        overkill_interval=_widen(
            figures.overkill, _count_things(images, defective=False), drawn.get("overkill")
        ),
        per_metre=figures.per_metre,
        min_area_mm2=None if mm_per_px is None else point.min_area_px * mm_per_px**2,
    )


def count_groups(
    point: OperatingPoint, sweep: Sweep, images: KnownImages, *, defective: bool
) -> tuple[int, int]:
    """Return how many groups of such images hold an error, and how many there are: images of one thing count once."""
    judged = _judge_images(point, sweep, images)
    wrong: dict[str, bool] = {}
    for image, group in zip(judged, images.groups, strict=True):
        if image.defective == defective:
            wrong[group] = wrong.get(group, False) or image.outcome in ("escape", "overkill")
    return sum(wrong.values()), len(wrong)


def _count_things(images: KnownImages, *, defective: bool) -> int:
    """Return how many groups hold such images."""
    return len(set(compress(images.groups, images.defective == defective)))


def _judge_images(point: OperatingPoint, sweep: Sweep, images: KnownImages) -> list[JudgedImage]:
    areas = np.empty(len(images.defective), np.int64)
    areas[images.defective], areas[~images.defective] = sweep.defective, sweep.normal
    least = max(point.min_area_px, 1)
    return [
        JudgedImage(bool(shown), bool(area >= least), float(area), int(height))
        for shown, area, height in zip(images.defective, areas, images.sizes[:, 0], strict=True)
    ]


def _draw_groups(judged: list[JudgedImage], groups: list[str]) -> dict[str, Interval | None]:
    if len(set(groups)) == len(groups):
        return {}
    drawn = bootstrap_intervals(groups, [count_outcome(image) for image in judged], rates_of, seed=SEED)
    return dict(drawn.bounds)


def _widen(rate: Rate, groups: int, drawn: Interval | None) -> Interval:
    if rate.count in (0, rate.total):
        # All groups agree, so that drawing them shows nothing: what remains is how many there are.
        return Rate(groups if rate.count else 0, groups).interval or (0.0, 1.0)
    low, high = rate.interval or (0.0, 1.0)
    return (low, high) if drawn is None else (min(low, drawn[0]), max(high, drawn[1]))
