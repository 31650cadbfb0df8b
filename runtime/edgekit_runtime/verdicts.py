"""What an answer means for the part on the line: accept or reject, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit_runtime.results import Region, Verdict


class Judgement(NamedTuple):
    """A verdict, its reason in words, and the label of the image."""

    verdict: Verdict
    reason: str
    label: str | None


def judge_regions(regions: Sequence[Region]) -> Judgement:
    """Reject a frame with regions; its label is that of the largest one (the first of equals)."""
    if not regions:
        return Judgement("accept", "no region", None)
    largest = max(regions, key=lambda region: region.area_px)
    noun = "region" if len(regions) == 1 else "regions"
    return Judgement("reject", f"{len(regions)} {noun}, largest {largest.area_px} px", largest.label)


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
