"""Golden samples: frames with the answers that the exporter saw, so that any machine can check itself later.

A sample without a defect verifies little, because a graph that always answers "clean" reproduces it. So a
frame is chosen where 0.1 to 50 % of the pixels are positive, and where the default threshold gives no such
frame the sample records a threshold that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.execution import ChainRunner
from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_export.passes.names import MASK, THRESHOLD
from edgekit_export.rounding import undecided
from edgekit_runtime.bundle import GoldenSample, StageInfo, array_bytes
from edgekit_runtime.errors import GateFailed
from edgekit_runtime.masks import margins_of, mask_of

Array = npt.NDArray[Any]

MOST_SAMPLES = 3
LEAST_POSITIVE, MOST_POSITIVE = 0.001, 0.5
WANTED_POSITIVE = 0.02
"""Share of positive pixels that a recorded threshold aims at."""

MOST_UNDECIDED = 0.005
"""Share of pixels within rounding of the threshold: a sample with more of them would check too little."""

MOST_UNDECIDED_LOWERED = 1.0
"""The same below fp32, where no better sample is had: int8 moves every pixel of a network with random weights, which
export to measure their speed. Verification has a limit of its own."""


@dataclass(frozen=True)
class GoldenFiles:
    """Samples for the manifest, and the bytes of the files that they name."""

    samples: tuple[GoldenSample, ...]
    files: dict[str, bytes]


@dataclass(frozen=True)
class _Choice:
    index: int
    threshold: float


def make_mask_samples(
    frames: Array,
    logits: Array,
    chain: ChainRunner,
    *,
    threshold: float,
    bound: float,
    most_undecided: float = MOST_UNDECIDED,
    program: Program | None = None,
) -> GoldenFiles:
    """Choose frames of a segmenting network and record their masks.

    Args:
        frames: Candidates, (N, H, W) or (N, H, W, 3) of the graph's type.
        logits: What torch answered, float32 (N, K, H, W).
        chain: The exported graphs, which answer what is recorded.
        threshold: Default of the bundle.
        bound: Largest difference of a logit that rounding explains.
        most_undecided: Share of pixels that rounding may leave open, where it leaves fewer in no frame.
        program: What the bundle holds besides the graphs: another way to the same logits, with roundings of its own.

    Raises:
        GateFailed: If no threshold separates a part of any frame.
    """
    chosen: list[_Choice] = []
    for limit in sorted({MOST_UNDECIDED, most_undecided}):
        chosen = chosen or _choose_default(logits, threshold, bound, limit)
        chosen = chosen or _choose_threshold(logits, bound, limit)
    if not chosen:
        raise GateFailed(
            f"No threshold marks 0.1 to 50 % of any of the {len(frames)} sample frames, so that no golden "
            f"sample can be recorded; the logits go from {logits.min():g} to {logits.max():g}.",
            remedy="Train the network further, or pass sample frames that show defects.",
        )
    answer = None if program is None else evaluate_program(program, frames[[item.index for item in chosen]])
    samples, files = [], {}
    for number, choice in enumerate(chosen):
        rows = slice(choice.index, choice.index + 1)
        mask = chain.run(frames[rows], {THRESHOLD: choice.threshold})[MASK][0]
        near = undecided(logits[rows], choice.threshold, bound)[0]
        if answer is not None:
            near |= answer.find_undecided(choice.threshold)[number]
        sample = GoldenSample(
            name=f"sample{number}",
            frame=f"golden/sample{number}.frame.npy",
            outputs={MASK: f"golden/sample{number}.{MASK}.npy"},
            thresholds={THRESHOLD: choice.threshold},
            positive_fraction=float(np.mean(mask > 0)),
            undecided_px=int(near.sum()),
        )
        files[sample.frame] = _frame_bytes(frames[choice.index])
        files[sample.outputs[MASK]] = array_bytes(mask)
        samples.append(sample)
    return GoldenFiles(tuple(samples), files)


def make_probability_samples(frames: Array, chain: ChainRunner, stages: Sequence[StageInfo]) -> GoldenFiles:
    """Record every output of a classifying network that reaches a caller, all exits included."""
    answers = [tensor.name for stage in stages for tensor in stage.answers]
    samples, files = [], {}
    for number, frame in enumerate(frames[:MOST_SAMPLES]):
        outputs = chain.run(frame[np.newaxis])
        stem = f"golden/sample{number}"
        # Files are numbered, because outputs may have names that files may not.
        names = {name: f"{stem}.output{index}.npy" for index, name in enumerate(answers)}
        sample = GoldenSample(f"sample{number}", f"{stem}.frame.npy", names, {}, None, 0)
        files[sample.frame] = _frame_bytes(frame)
        files.update({file: array_bytes(outputs[name][0]) for name, file in names.items()})
        samples.append(sample)
    return GoldenFiles(tuple(samples), files)


def _frame_bytes(frame: Array) -> bytes:
    """Return the file of a frame as a camera gives it: verification checks and widens it as a line's frames."""
    return array_bytes(frame if frame.dtype == np.uint8 else frame.astype(np.uint16))


def _is_good(logits: Array, threshold: float, bound: float, most_undecided: float) -> bool:
    positive = float(np.mean(mask_of(logits, threshold) > 0))
    near = float(np.mean(undecided(logits, threshold, bound)))
    return LEAST_POSITIVE <= positive <= MOST_POSITIVE and near <= most_undecided


def _choose_default(logits: Array, threshold: float, bound: float, most_undecided: float) -> list[_Choice]:
    good = [
        index
        for index in range(len(logits))
        if _is_good(logits[index : index + 1], threshold, bound, most_undecided)
    ]
    return [_Choice(index, threshold) for index in good[:MOST_SAMPLES]]


def _choose_threshold(logits: Array, bound: float, most_undecided: float) -> list[_Choice]:
    choices = []
    for index in range(len(logits)):
        row = logits[index : index + 1]
        threshold = _find_threshold(margins_of(row))
        if threshold is not None and _is_good(row, threshold, bound, most_undecided):
            choices.append(_Choice(index, threshold))
    return choices[:MOST_SAMPLES]


def _find_threshold(margins: Array) -> float | None:
    """Return a float32 between two neighbouring values, with about the wanted share of values above it."""
    values, counts = np.unique(margins[np.isfinite(margins)].astype(np.float32), return_counts=True)
    if len(values) < 2:
        return None
    above = np.cumsum(counts[::-1])[::-1][1:] / margins.size
    lower, upper = values[:-1], values[1:]
    between = (lower / 2 + upper / 2).astype(np.float32)
    allowed = (above >= LEAST_POSITIVE) & (above <= MOST_POSITIVE) & (between > lower) & (between < upper)
    if not allowed.any():
        return None
    distance = np.where(allowed, np.abs(above - WANTED_POSITIVE), np.inf)
    return float(between[int(np.argmin(distance))])
