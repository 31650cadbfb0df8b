"""Do a peer and the subject answer the same? A fast wrong one gets no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit_benchmarks.contestants import Answer, Contestant, Frames
from edgekit_runtime.regions import find_regions

LEAST_IOU = 0.999
"""Pixels whose logit lies within rounding of the threshold may differ; more than this is another answer."""

LARGEST_DIFFERENCE = 1e-3
"""Of a probability."""

Answers = Callable[[Frames], Sequence[Answer]]


@dataclass(frozen=True)
class Agreement:
    """How a peer's answers compare with the subject's.

    Attributes:
        ok: Whether a ratio may be published.
        detail: Why not, or what was seen.
        frames: Number of frames that were compared.
        pixels: Number of their pixels; None where the network classifies.
        differing_px: Pixels whose class differs.
        positive_px: Pixels that the subject calls defect.
        iou: Of the defect pixels of all frames, 1 where there are none; None as above.
    """

    ok: bool
    detail: str
    frames: int
    pixels: int | None
    differing_px: int | None
    positive_px: int | None
    iou: float | None


def check_agreement(subject: Contestant, peer: Contestant, batches: Sequence[Frames]) -> Agreement:
    """Run both on every batch and compare what they answer.

    Args:
        subject: Who is measured.
        peer: Whom it is measured against.
        batches: The frames of the measurement.
    """
    agreement = _compare(
        lambda batch: subject.read(subject.call(batch)), lambda batch: peer.read(peer.call(batch)), batches
    )
    if not agreement.ok or subject.check is None or peer.check is None:
        return agreement
    # At the default threshold random weights would agree with anybody.
    return _compare(subject.check, peer.check, batches)


def _compare(subject: Answers, peer: Answers, batches: Sequence[Frames]) -> Agreement:
    pairs: list[tuple[Answer, Answer]] = []
    for batch in batches:
        ours, theirs = subject(batch), peer(batch)
        if len(ours) != len(batch) or len(theirs) != len(batch):
            words = (
                f"{len(batch)} frames had {len(ours)} answers of the subject and {len(theirs)} of the peer"
            )
            return Agreement(False, words, len(batch), None, None, None, None)
        pairs += zip(ours, theirs, strict=True)
    if any(ours.mask is None for ours, _ in pairs):
        return _compare_probabilities(pairs)
    return _compare_masks(pairs)


def _compare_masks(pairs: Sequence[tuple[Answer, Answer]]) -> Agreement:
    differing = positive = union = pixels = 0
    fault = ""
    for index, (ours, theirs) in enumerate(pairs):
        if ours.mask is None or theirs.mask is None or ours.mask.shape != theirs.mask.shape:
            return Agreement(
                False, f"frame {index} has masks of other sizes", len(pairs), None, None, None, None
            )
        here = int(np.count_nonzero(ours.mask != theirs.mask))
        differing += here
        positive += int(np.count_nonzero(ours.mask))
        union += int(np.count_nonzero(ours.mask | theirs.mask))
        pixels += ours.mask.size
        for who, answer in (("the subject", ours), ("the peer", theirs)):
            fault = fault or _find_region_fault(answer, f"frame {index}: {who}")
    # A pixel of another class counts as a whole miss, so that this is no larger than the IoU of the defects.
    iou = 1.0 if not union else max(0.0, (union - differing) / union)
    if iou < LEAST_IOU:
        fault = fault or f"the masks differ: IoU {iou:.4f}, at least {LEAST_IOU} is asked for"
    seen = "no frame has a defect pixel" if not union else f"IoU {iou:.6f}"
    detail = fault or f"{differing:,} of {pixels:,} px differ ({seen}); the regions are those of the masks"
    return Agreement(not fault, detail, len(pairs), pixels, differing, positive, iou)


def _find_region_fault(answer: Answer, where: str) -> str:
    """Boxes and areas must be those of the answer's own mask, to the pixel: labelling does not round."""
    if answer.mask is None or answer.regions is None:
        return f"{where} answered no regions"
    expected = find_regions(answer.mask)
    if np.array_equal(expected, answer.regions):
        return ""
    return f"{where} answered {len(answer.regions)} regions that are not the {len(expected)} of its mask"


def _compare_probabilities(pairs: Sequence[tuple[Answer, Answer]]) -> Agreement:
    differences = []
    for ours, theirs in pairs:
        if ours.probabilities is None or theirs.probabilities is None:
            return Agreement(False, "an answer has no probabilities", len(pairs), None, None, None, None)
        differences.append(np.abs(ours.probabilities - theirs.probabilities).max())
    largest = float(np.max(differences))  # NaN, if one is; the comparison is then false
    ok = largest <= LARGEST_DIFFERENCE
    return Agreement(ok, f"probabilities differ by {largest:.1e}", len(pairs), None, None, None, None)
