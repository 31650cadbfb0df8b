"""Every figure of a segmenting target on one dataset, pooled from what each image adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.evaluation.absolute_error import AbsoluteError, pool_errors
from edgekit.evaluation.average_precision import MODES, AveragePrecision, BoxMode, average_precision
from edgekit.evaluation.bootstrap import Figures, Intervals, Sums, bootstrap_intervals
from edgekit.evaluation.confusion import PixelMetrics, measure_counts
from edgekit.evaluation.defect_level import DefectMetrics, OverlapRule, pool_defects
from edgekit.evaluation.image_level import ImageMetrics, count_outcome, measure_images, rates_of
from edgekit.evaluation.judging import Judging
from edgekit.evaluation.mask_records import LARGEST_REGION, MaskRecord
from edgekit.evaluation.rates import Rate
from edgekit_runtime.bundle import VerdictRules
from edgekit_runtime.bundle.decoding import encode


@dataclass(frozen=True)
class KindMetrics:
    """Figures over the images that show one kind of defect; pixels and regions are those of every kind in them.

    Attributes:
        images: How many show it.
        miou: As in `PixelMetrics`, over these images; None without a value.
        dice: The same.
        defect_recall: True defects of these images that were found; None where their masks hold none.
        escape: Images that were not flagged, of all that show it.
    """

    images: int
    miou: float | None
    dice: float | None
    defect_recall: float | None
    escape: Rate

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {
            "images": self.images,
            "miou": self.miou,
            "dice": self.dice,
            "defect_recall": self.defect_recall,
            "escape": self.escape.to_dict(),
        }


@dataclass(frozen=True)
class MaskMetrics:
    """Figures of a segmenting target, pooled over a whole dataset.

    Attributes:
        pixels: mIoU, mAcc, IoU, Dice, precision, FPR and FNR of the pixels.
        error: Mean absolute error, of probabilities or of masks.
        image_level: Escapes, overkill and AUROC of whole images.
        defect_level: Recall and precision of single defects.
        ap: Average precision of boxes, by mode.
        rules: What images were judged by.
        min_area_px: Found regions with fewer pixels did not count, whatever their class.
        per_kind: Kind of defect → figures over the images that show it; empty where kinds have no names.
        intervals: Of miou, dice, escape and overkill over groups; None where they were not asked for.
        records: What each image added, in the dataset's order.
    """

    pixels: PixelMetrics
    error: AbsoluteError
    image_level: ImageMetrics
    defect_level: DefectMetrics
    ap: Mapping[BoxMode, AveragePrecision]
    rules: VerdictRules
    min_area_px: int
    per_kind: Mapping[str, KindMetrics]
    intervals: Intervals | None = None
    records: tuple[MaskRecord, ...] = field(default=(), repr=False)

    @property
    def miou(self) -> float:
        """Mean IoU over the classes."""
        return self.pixels.miou

    @property
    def macc(self) -> float:
        """Mean recall over the classes."""
        return self.pixels.macc

    @property
    def images(self) -> int:
        """How many images were measured."""
        return self.pixels.images

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; those without a value are None.

        Keys: those of `PixelMetrics`, "mae" and "mae_of", "rules", "min_area_px", "image_level" (see `ImageMetrics`),
        "defect_level" (see `DefectMetrics`) and "ap" (mode → "ap" and "ap50"). Kinds and intervals are asked for
        apart.
        """
        return {
            **self.pixels.to_dict(),
            "mae": self.error.mean,
            "mae_of": self.error.basis,
            "rules": encode(self.rules),
            "min_area_px": self.min_area_px,
            "image_level": self.image_level.to_dict(),
            "defect_level": self.defect_level.to_dict(),
            "ap": {mode: value.to_dict() for mode, value in self.ap.items()},
        }


def pool_records(
    records: Sequence[MaskRecord],
    classes: Sequence[str],
    *,
    judging: Judging,
    rule: OverlapRule,
    mm_per_px: float | None = None,
    intervals_seed: int | None = None,
) -> MaskMetrics:
    """Return the figures over all images.

    Args:
        records: One per image.
        classes: Names by mask value, the background first.
        judging: What the records were measured with.
        rule: The same.
        mm_per_px: Millimetres per pixel along the web, where known.
        intervals_seed: Seed of the intervals' draws; None leaves intervals out.
    """
    score = records[0].score if records else LARGEST_REGION
    return MaskMetrics(
        pixels=_pool_pixels(records, classes),
        error=pool_errors(record.error for record in records),
        image_level=measure_images([one.judged for one in records], score=score, mm_per_px=mm_per_px),
        defect_level=pool_defects((record.defects for record in records), rule),
        ap={mode: average_precision([record.boxes[mode] for record in records]) for mode in MODES},
        rules=judging.rules,
        min_area_px=judging.min_area_px,
        per_kind=_pool_kinds(records, classes, rule),
        intervals=None if intervals_seed is None else _measure_intervals(records, classes, intervals_seed),
        records=tuple(records),
    )


def _pool_pixels(records: Sequence[MaskRecord], classes: Sequence[str]) -> PixelMetrics:
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for record in records:
        counts += record.counts
    return measure_counts(counts, classes, images=len(records))


def _pool_kinds(
    records: Sequence[MaskRecord], classes: Sequence[str], rule: OverlapRule
) -> dict[str, KindMetrics]:
    kinds = sorted({kind for record in records for kind in record.kinds})
    return {kind: _pool_kind([one for one in records if kind in one.kinds], classes, rule) for kind in kinds}


def _pool_kind(records: Sequence[MaskRecord], classes: Sequence[str], rule: OverlapRule) -> KindMetrics:
    figures = _pool_pixels(records, classes).to_dict()
    return KindMetrics(
        images=len(records),
        miou=figures["miou"],
        dice=figures["dice"],
        defect_recall=pool_defects((record.defects for record in records), rule).recall,
        escape=Rate(sum(not record.judged.flagged for record in records), len(records)),
    )


def _measure_intervals(records: Sequence[MaskRecord], classes: Sequence[str], seed: int) -> Intervals:
    sums = [[*record.counts.reshape(-1), *count_outcome(record.judged)] for record in records]

    def figures_of(pooled: Sums) -> Figures:
        counts = pooled[:-4].reshape(len(classes), len(classes))
        pixels = measure_counts(counts, classes, images=len(records))
        return {"miou": pixels.miou, "dice": pixels.dice, **rates_of(pooled[-4:])}

    return bootstrap_intervals([record.group for record in records], sums, figures_of, seed=seed)
