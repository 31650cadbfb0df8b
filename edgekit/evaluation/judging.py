"""An answer judged as a line would judge it: by the bundle's rules, with the runtime's own code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Item, Sample
from edgekit.evaluation.defect_level import AREA, LabelledRegions
from edgekit_runtime.bundle import VerdictRules, Zone
from edgekit_runtime.quotas import make_quotas
from edgekit_runtime.regions import label_regions, name_regions
from edgekit_runtime.verdicts import judge_regions
from edgekit_runtime.zones import blank_zones

Mask = npt.NDArray[np.uint8]

CLASS = 5
"""Column of the class in the rows of `find_regions`."""


def shows_defect(item: Item, sample: Sample, zones: Sequence[Zone]) -> bool:
    """Tell whether an image shows a defect where one is looked for, which is not in zones.

    Raises:
        DatasetError: If neither the item nor a mask tells.
    """
    if item.defective is None:
        return bool(blank_zones(sample.known_mask, zones).any())
    # A set may know of defects that nobody has drawn.
    drawn = sample.mask is not None and bool(sample.mask.any())
    hidden = drawn and not blank_zones(sample.known_mask, zones).any()
    return item.defective and not hidden


class Judging:
    """Which regions of a mask count, and whether an image with them is rejected.

    Args:
        rules: When an image is rejected; a length of web that they look back on is the image's own.
        classes: Names by mask value, the background first, as the rules know them.
        mm_per_px: Millimetres per pixel, where known.

    Raises:
        UsageProblem: If a rule is in millimetres and the scale is not known.
    """

    def __init__(self, rules: VerdictRules, classes: Sequence[str], mm_per_px: float | None = None) -> None:
        self.rules = rules
        self._classes = tuple(classes)
        self._mm_per_px = mm_per_px
        self._quotas = make_quotas(rules, classes, mm_per_px)
        self._least = np.array([self._quotas[name].least_px for name in classes], np.int64)

    @property
    def min_area_px(self) -> int:
        """Smaller regions of any class do not count."""
        return int(self._least[1:].min())

    def blank(self, mask: Mask) -> Mask:
        """Return a mask, the true one or a found one, without what lies in zones: nothing is looked for there."""
        return blank_zones(mask, self.rules.zones)

    def label(self, mask: Mask) -> LabelledRegions:
        """Return the regions of a blanked mask that count."""
        rows, labels = label_regions(mask, connectivity=self.rules.connectivity)
        large = rows[:, AREA] >= self._least[rows[:, CLASS]]
        if large.all():
            return LabelledRegions(rows, labels)
        numbers = np.zeros(len(rows) + 1, labels.dtype)
        numbers[1:][large] = np.arange(1, int(large.sum()) + 1)
        return LabelledRegions(rows[large], numbers[labels])

    def rejects(self, found: LabelledRegions) -> bool:
        """Tell whether an image with these regions is rejected."""
        regions = name_regions(found.rows, self._classes, mm_per_pixel=self._mm_per_px)
        return judge_regions(regions, self._quotas).verdict == "reject"
