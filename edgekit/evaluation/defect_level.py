"""Defects found one by one: true regions against found regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.rates import Rate
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.regions import Labels, Rows

AREA = 4
"""Column of the area in the rows of `find_regions`."""


@dataclass(frozen=True)
class OverlapRule:
    """When a true defect counts as found, and a found region as right; kinds of defect are not told apart.

    "covered": a true defect is found if found regions cover at least `share` of its pixels; a found region is right
    if true defects cover at least `share` of its. One region may find several defects, several may find one: a
    network that breaks a scratch into dashes has found it.

    "iou": a true defect is found if one found region has an intersection over union of at least `share` with it, and
    that region is right. From 0.5 on the pairs are unique, which is the rule of detection benchmarks; below, one
    region may serve several defects.

    The default asks for a tenth, covered. Labels of defect sets are drawn wide (an ellipse around a scratch in DAGM
    2007 is mostly sound surface), so that a good mask has a low IoU with them; and a touch of one pixel, the loosest
    rule in use, is what noise gives for nothing.

    Raises:
        UsageProblem: If the share is not above 0 and at most 1.
    """

    measure: Literal["covered", "iou"] = "covered"
    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageProblem(f"The share of an overlap lies above 0 and is at most 1; got {self.share}.")

    def __str__(self) -> str:
        return f"{self.measure} ≥ {self.share:g}"


@dataclass(frozen=True)
class DefectMetrics:
    """Figures over all defects of the set.

    Attributes:
        found: True defects that were found, of all true defects: the recall. Without a value where there is none.
        right: Found regions that lie on a defect, of all found regions: the precision. Without a value where nothing
            was found.
        rule: When either holds.
    """

    found: Rate
    right: Rate
    rule: OverlapRule

    @property
    def recall(self) -> float | None:
        """True defects found / true defects; None where there is none."""
        return self.found.value

    @property
    def precision(self) -> float | None:
        """Right regions / found regions; None where nothing was found."""
        return self.right.value

    def to_dict(self) -> dict[str, Any]:
        """Return "recall", "precision" and the counts behind them."""
        return {
            "rule": str(self.rule),
            "recall": self.recall,
            "defects": self.found.total,
            "defects_found": self.found.count,
            "precision": self.precision,
            "regions": self.right.total,
            "regions_right": self.right.count,
        }


@dataclass(frozen=True)
class LabelledRegions:
    """Regions of one mask: the rows of `find_regions`, and the pixels of each, as `label_regions` gives them."""

    rows: Rows
    labels: Labels


def match_defects(truth: LabelledRegions, found: LabelledRegions, rule: OverlapRule) -> DefectMetrics:
    """Return the figures of one image."""
    match = _cover_regions if rule.measure == "covered" else _pair_regions
    hit, right = match(truth, found, rule.share)
    return DefectMetrics(Rate(int(hit.sum()), len(hit)), Rate(int(right.sum()), len(right)), rule)


def pool_defects(metrics: Iterable[DefectMetrics], rule: OverlapRule) -> DefectMetrics:
    """Return the figures over all defects and regions of several images."""
    known = tuple(metrics)
    found = Rate(sum(one.found.count for one in known), sum(one.found.total for one in known))
    right = Rate(sum(one.right.count for one in known), sum(one.right.total for one in known))
    return DefectMetrics(found, right, rule)


_Flags = npt.NDArray[np.bool_]


def _cover_regions(truth: LabelledRegions, found: LabelledRegions, share: float) -> tuple[_Flags, _Flags]:
    return _is_covered(truth, found.labels > 0, share), _is_covered(found, truth.labels > 0, share)


def _is_covered(regions: LabelledRegions, by: npt.NDArray[np.bool_], share: float) -> _Flags:
    covered = np.bincount(regions.labels[by], minlength=len(regions.rows) + 1)[1:]
    # Divided, not multiplied: 3 of 30 pixels are 0.1, but 0.1 × 30 is more than 3.
    return np.asarray(covered / regions.rows[:, AREA] >= share, bool)


def _pair_regions(truth: LabelledRegions, found: LabelledRegions, share: float) -> tuple[_Flags, _Flags]:
    hit, right = np.zeros(len(truth.rows), bool), np.zeros(len(found.rows), bool)
    both = (truth.labels > 0) & (found.labels > 0)
    # Only pairs that touch: masks of noise have thousands of regions on either side.
    pairs, shared = np.unique(
        np.stack([truth.labels[both], found.labels[both]]) - 1, axis=1, return_counts=True
    )
    first, second = pairs
    union = truth.rows[first, AREA] + found.rows[second, AREA] - shared
    close = shared / union >= share
    hit[first[close]] = True
    right[second[close]] = True
    return hit, right
