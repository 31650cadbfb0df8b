"""What one image adds to every figure of a segmenting target: measured once, pooled in any way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.data.contract import Item, Sample
from edgekit.evaluation.absolute_error import AbsoluteError, measure_error
from edgekit.evaluation.average_precision import BoxMode, ImageBoxes, box_masks, box_regions
from edgekit.evaluation.confusion import Counts, count_pixels
from edgekit.evaluation.defect_level import AREA, DefectMetrics, LabelledRegions, OverlapRule, match_defects
from edgekit.evaluation.image_level import JudgedImage
from edgekit.evaluation.judging import Judging, shows_defect
from edgekit.evaluation.prediction import Prediction
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.regions import label_regions

PEAK_LOGIT = "peak logit"
LARGEST_REGION = "area of the largest region, px"


@dataclass(frozen=True, eq=False)
class MaskRecord:
    """One image's share of the figures.

    Attributes:
        name: The item's name.
        group: The item's group.
        kinds: Which kinds of defect it shows, where they have names.
        counts: int64 (K, K), pixels by (true class, predicted class).
        error: Absolute error over its pixels.
        judged: The image as a whole; its score is the peak logit, or the area in pixels of the largest region.
        score: Which of the two.
        defects: True and found regions.
        boxes: True and found boxes, by mode.
        ms: Milliseconds that the answer took.
    """

    name: str
    group: str
    kinds: tuple[str, ...]
    counts: Counts
    error: AbsoluteError
    judged: JudgedImage
    score: str
    defects: DefectMetrics
    boxes: Mapping[BoxMode, ImageBoxes]
    ms: float

    @property
    def iou(self) -> float | None:
        """IoU of the defect pixels of any kind; None where there is neither a true nor a found one."""
        union = int(self.counts.sum() - self.counts[0, 0])
        return int(self.counts[1:, 1:].sum()) / union if union else None


def measure_mask(
    item: Item,
    sample: Sample,
    prediction: Prediction,
    *,
    classes: int,
    judging: Judging,
    rule: OverlapRule,
    ms: float,
) -> MaskRecord:
    """Compare an answer with the truth.

    Found regions that the rules leave out do not count where regions do: for the verdict, the defects and their boxes.
    The pixel figures and the box of the whole mask take the mask as it is. In zones nothing is looked for: neither what
    is true there nor what was found counts anywhere.

    Raises:
        UsageProblem: If the answer has no mask.
        MaskError: If the masks' shapes differ or a value is no class.
    """
    if prediction.mask is None:
        raise UsageProblem("The target classifies whole images; a mask metric needs a segmenting one.")
    truth, found = judging.blank(sample.known_mask), judging.blank(prediction.mask)
    counts = count_pixels(truth, found, classes)
    true_regions = LabelledRegions(*label_regions(truth, connectivity=judging.rules.connectivity))
    found_regions = judging.label(found)
    score, value = _score(prediction, found_regions)
    return MaskRecord(
        name=sample.name,
        group=item.group,
        kinds=sample.kinds,
        counts=counts,
        error=measure_error(truth, prediction),
        judged=JudgedImage(
            defective=shows_defect(item, sample, judging.rules.zones),
            flagged=judging.rejects(found_regions),
            score=value,
            height_px=truth.shape[0],
        ),
        score=score,
        defects=match_defects(true_regions, found_regions, rule),
        boxes={
            "whole_mask": box_masks(truth, found),
            "components": box_regions(true_regions, found_regions, prediction.logits),
        },
        ms=ms,
    )


def _score(prediction: Prediction, found: LabelledRegions) -> tuple[str, float]:
    if prediction.logits is None:
        return LARGEST_REGION, float(found.rows[:, AREA].max(initial=0))
    peak = float(prediction.logits.max(initial=-np.inf))
    # NaN is a defect, as in masks.
    return PEAK_LOGIT, np.inf if np.isnan(peak) else peak
