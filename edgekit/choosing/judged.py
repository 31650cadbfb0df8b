"""Operating points as rates, with what the number of images allows to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.choosing.image_rates import ImageRates, count_wrong_groups, rate_images
from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.operating_points import OperatingPoint, Sweep
from edgekit.evaluation.image_level import JudgedImage


@dataclass(frozen=True)
class JudgedPoint(ImageRates):
    """An operating point on a set of images, beside its rates.

    Attributes:
        point: The threshold and the least area.
        min_area_mm2: The least area in mm²; None where mm per pixel are not known.
    """

    point: OperatingPoint
    min_area_mm2: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {
            "threshold": self.point.threshold,
            "min_area_px": self.point.min_area_px,
            "min_area_mm2": self.min_area_mm2,
            **super().to_dict(),
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
    rates = rate_images(_judge_images(point, sweep, images), images.groups, mm_per_px=mm_per_px)
    return JudgedPoint(
        **vars(rates),
        point=point,
        min_area_mm2=None if mm_per_px is None else point.min_area_px * mm_per_px**2,
    )


def count_groups(
    point: OperatingPoint, sweep: Sweep, images: KnownImages, *, defective: bool
) -> tuple[int, int]:
    """Return `count_wrong_groups` of a point."""
    return count_wrong_groups(_judge_images(point, sweep, images), images.groups, defective=defective)


def _judge_images(point: OperatingPoint, sweep: Sweep, images: KnownImages) -> list[JudgedImage]:
    areas = np.empty(len(images.defective), np.int64)
    areas[images.defective], areas[~images.defective] = sweep.defective, sweep.normal
    least = max(point.min_area_px, 1)
    return [
        JudgedImage(bool(shown), bool(area >= least), float(area), int(height))
        for shown, area, height in zip(images.defective, areas, images.sizes[:, 0], strict=True)
    ]
