"""Whole images, which is what a line accepts or rejects: escapes, overkill, and how well a score tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.rates import Rate
from edgekit.evaluation.roc import area_under_roc

MM_PER_METRE = 1000

OUTCOMES = ("found", "escape", "overkill", "passed")


@dataclass(frozen=True)
class JudgedImage:
    """One image, as it is and as it was answered.

    Attributes:
        defective: Whether it shows a defect.
        flagged: Whether it was rejected.
        score: Higher where a defect is more likely.
        height_px: Rows, along the web.
    """

    defective: bool
    flagged: bool
    score: float
    height_px: int

    @property
    def outcome(self) -> str:
        """One of `OUTCOMES`."""
        if self.defective:
            return "found" if self.flagged else "escape"
        return "overkill" if self.flagged else "passed"


@dataclass(frozen=True)
class PerMetre:
    """Counts per metre of web, over all images of the set: they hold for its share of defects, not for a line's.

    Attributes:
        metres: Σ rows × mm per pixel / 1000; images are taken to lie one after the other along the web.
        escapes: Defective images that passed, per metre; None where the set has no defective image.
        overkills: Defect-free images that were rejected, per metre; None where the set has no defect-free image.
    """

    metres: float
    escapes: float | None
    overkills: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return the three figures."""
        return {"metres": self.metres, "escapes": self.escapes, "overkills": self.overkills}


@dataclass(frozen=True)
class ImageMetrics:
    """Figures over whole images.

    Attributes:
        escape: Defective images that were not flagged, of all defective ones. Without a value where there is none.
        overkill: Defect-free images that were flagged, of all defect-free ones. Without a value where there is none.
        auroc: Chance that a defective image has the higher score than a defect-free one, ties counting half; None
            where either is absent.
        score: What that score is, in words.
        per_metre: None where mm per pixel are not known, or there is no image.
    """

    escape: Rate
    overkill: Rate
    auroc: float | None
    score: str
    per_metre: PerMetre | None

    def to_dict(self) -> dict[str, Any]:
        """Return "escape", "overkill" (see `Rate`), "auroc", "score" and "per_metre" (see `PerMetre`, or None)."""
        return {
            "escape": self.escape.to_dict(),
            "overkill": self.overkill.to_dict(),
            "auroc": self.auroc,
            "score": self.score,
            "per_metre": None if self.per_metre is None else self.per_metre.to_dict(),
        }


def measure_images(
    images: Sequence[JudgedImage], *, score: str, mm_per_px: float | None = None
) -> ImageMetrics:
    """Return the figures of a set of images.

    Args:
        images: All of the set.
        score: What their score is, in words.
        mm_per_px: Millimetres per pixel along the web, where known.
    """
    defective = [image for image in images if image.defective]
    normal = [image for image in images if not image.defective]
    escape = Rate(sum(not image.flagged for image in defective), len(defective))
    overkill = Rate(sum(image.flagged for image in normal), len(normal))
    auroc = area_under_roc([image.score for image in images], [image.defective for image in images])
    per_metre = None
    if mm_per_px is not None and images:
        metres = sum(image.height_px for image in images) * mm_per_px / MM_PER_METRE
        per_metre = PerMetre(
            metres,
            escape.count / metres if defective else None,
            overkill.count / metres if normal else None,
        )
    return ImageMetrics(escape, overkill, auroc, score, per_metre)


def count_outcome(image: JudgedImage | None) -> list[int]:
    """Return 1 at the place of an image's outcome in `OUTCOMES`, 0 elsewhere and where nothing is known of it."""
    return [int(image is not None and image.outcome == outcome) for outcome in OUTCOMES]


def rates_of(outcomes: npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Return the rates of escape and overkill of pooled outcomes, float64 (4,); None where there is no case."""
    found, escape, overkill, passed = outcomes
    return {
        "escape": float(escape / (found + escape)) if found + escape else None,
        "overkill": float(overkill / (overkill + passed)) if overkill + passed else None,
    }
