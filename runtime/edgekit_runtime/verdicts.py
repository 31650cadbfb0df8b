"""What an answer means for the part on the line: accept or reject, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit_runtime.quotas import Quota, Quotas
from edgekit_runtime.results import Region, Verdict


class Judgement(NamedTuple):
    """A verdict, its reason in words, and the label of the image."""

    verdict: Verdict
    reason: str
    label: str | None


def judge_regions(regions: Sequence[Region], quotas: Quotas) -> Judgement:
    """Reject a part that has more regions than its rules allow; its label is that of the largest one.

    Args:
        regions: Those that count (`leave_out_small`).
        quotas: The rules, of every class that a region may have.
    """
    groups: dict[Quota, list[Region]] = {}
    for region in regions:
        groups.setdefault(quotas[region.label], []).append(region)
    return judge_groups(groups, regions)


def judge_groups(groups: Mapping[Quota, Sequence[Region]], regions: Sequence[Region]) -> Judgement:
    """Return the judgement of a part whose regions were counted for each quota, over whatever length of web.

    Args:
        groups: Quota → the regions that it is about.
        regions: Those of the part itself, of which the largest one (the first of equals) gives the label.
    """
    label = max(regions, key=_get_area).label if regions else None
    exceeded = {quota: found for quota, found in groups.items() if len(found) > quota.max_regions}
    if exceeded:
        return Judgement("reject", "; ".join(_explain(exceeded)), label)
    if not regions:
        return Judgement("accept", "no region", None)
    return Judgement("accept", f"{_count(len(regions))}, no more than allowed", label)


def _explain(exceeded: Mapping[Quota, Sequence[Region]]) -> Iterator[str]:
    """Yield a reason for all regions of which none is allowed, and one for each quota of more."""
    forbidden = [region for quota, found in exceeded.items() if not quota.max_regions for region in found]
    if forbidden:
        number = f"{_count(len(forbidden))}, the largest: " if len(forbidden) > 1 else ""
        yield number + describe_region(max(forbidden, key=_get_area))
    for quota, found in exceeded.items():
        if quota.max_regions:
            of = f" of {quota.label}" if quota.label else "" if quota.alone else " of other classes"
            verb = "is" if quota.max_regions == 1 else "are"
            per = "part" if quota.window_mm is None else f"{quota.window_mm:g} mm"
            yield f"{_count(len(found))}{of}, {quota.max_regions} {verb} allowed per {per}"


def describe_region(region: Region) -> str:
    """Return class, area and upper left corner in words, in mm where the scale is known."""
    if region.area_mm2 is None or region.box_mm is None:
        return f"{region.label} {region.area_px} px at x {region.x1} px, y {region.y1} px"
    x1, y1, _, _ = map(_round, region.box_mm)
    return f"{region.label} {_round(region.area_mm2)} mm² at x {x1} mm, y {y1} mm"


def _round(value: float) -> str:
    """Return three digits, or all of a whole number: a place on a web may be kilometres away."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _count(regions: int) -> str:
    return f"{regions} {'region' if regions == 1 else 'regions'}"


def _get_area(region: Region) -> int:
    return region.area_px


def judge_probabilities(
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    *,
    normal_class: str | None,
    low_confidence: bool,
) -> Judgement:
    """Reject a frame whose most probable class is not the defect-free one, or that has none.

    Args:
        probabilities: float32 (classes,).
        classes: Their names.
        normal_class: The defect-free one; None where every class is a defect.
        low_confidence: Whether the last exit answered below its own threshold.
    """
    if not np.isfinite(probabilities).all():
        # A network that fails must never pass a part.
        return Judgement("reject", "the probabilities are not finite", None)
    best = int(probabilities.argmax())
    doubt = ", low confidence" if low_confidence else ""
    return Judgement(
        "accept" if classes[best] == normal_class else "reject",
        f"{classes[best]} at {probabilities[best]:.2f}{doubt}",
        classes[best],
    )
