"""Can the call succeed? Everything that can be said before tracing, in one line each."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from edgekit_export.exportable import ExportStage, Normalisation
from edgekit_export.passes.names import FRAME, LOGITS, MASK, THRESHOLD
from edgekit_runtime.bundle.contract import MAX_BITS, Channels, GreyFormula, InputContract
from edgekit_runtime.bundle.manifest import Task
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.pixels import GraphFrames, check_levels, describe_type, widen

# A stage's name becomes a file name, and those have no capitals (see edgekit_runtime.bundle.names).
_STAGE_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,59}", re.ASCII)
_RESERVED = {FRAME, MASK, THRESHOLD}


def check_size(size: tuple[int, int], multiple: int) -> None:
    """Refuse sides that the network cannot halve as often as it must.

    Raises:
        UsageProblem: The remedy names the nearest valid size.
    """
    height, width = size
    if height > 0 and width > 0 and height % multiple == 0 and width % multiple == 0:
        return
    nearest = [max(multiple, multiple * round(side / multiple)) for side in size]
    raise UsageProblem(
        f"Height and width must be positive multiples of {multiple}, got {height}x{width}.",
        remedy=f"Use --size {nearest[0]}x{nearest[1]}.",
    )


def check_batch(batch: int | None) -> None:
    """Refuse a batch below 1."""
    if batch is not None and batch < 1:
        raise UsageProblem(f"The batch must be at least 1 or dynamic, got {batch}.", remedy="Use --batch 1.")


def check_normalisation(normalisation: Normalisation, channels: int) -> None:
    """Refuse numbers that do not fit the channels or do not define an image.

    Raises:
        UsageProblem: Naming the number.
    """
    for name, numbers in (("mean", normalisation.mean), ("std", normalisation.std)):
        if len(numbers) not in (1, channels):
            raise UsageProblem(
                f"The {name} has {len(numbers)} numbers and the network takes {channels} channels.",
                remedy="Give one number, or one per channel.",
            )
    numbers = (*normalisation.mean, *normalisation.std, normalisation.scale)
    positive = (*normalisation.std, normalisation.scale)
    if not all(map(math.isfinite, numbers)) or min(positive) <= 0:
        raise UsageProblem(
            f"Mean, std and scale must be finite and the latter two positive, got {normalisation}.",
            remedy="Use mean and std of the training images; scale is the grey value that counts as 1.0.",
        )


def check_pixels(bits: int, grey: GreyFormula, channels: Channels) -> None:
    """Refuse a depth that no camera has, and a grey formula for a network that takes colours.

    Raises:
        UsageProblem: Naming it.
    """
    if not 1 <= bits <= MAX_BITS:
        raise UsageProblem(f"Pixels have 1 to {MAX_BITS} bits, got {bits}.")
    if grey not in get_args(GreyFormula):
        raise UsageProblem(
            f"There is no grey formula {grey!r}.", remedy=f"Choose from {', '.join(get_args(GreyFormula))}."
        )
    if channels != "grey" and grey != "equal":
        raise UsageProblem(
            f"The network takes {channels} frames; no formula makes them grey, and {grey!r} was named.",
            remedy="Leave the formula out.",
        )


def check_samples(samples: Sequence[npt.NDArray[Any]], contract: InputContract) -> list[GraphFrames]:
    """Return the samples, each one a frame of the graph's size and type.

    Raises:
        UsageProblem: If there is none.
        FrameError: Naming the first that does not fit.
    """
    if not samples:
        raise UsageProblem(
            "Export needs at least one sample frame to check the exported graph on.",
            remedy="Pass images of the training data, or generated ones.",
        )
    wanted, pixels = contract.frame_shape, contract.pixels
    for index, sample in enumerate(samples):
        if sample.dtype != pixels.frame_type or sample.shape != wanted:
            raise FrameError(
                f"Sample {index} must be {describe_type(pixels)} {wanted}, got {sample.dtype} {sample.shape}.",
                remedy="Crop, pad or resize the samples to the export size; they have the depth of the frames.",
            )
        check_levels(sample, pixels, f"Sample {index}")
    return [np.ascontiguousarray(widen(sample, pixels)) for sample in samples]


def check_threshold(thresholds: Mapping[str, float], task: Task) -> float | None:
    """Return the threshold that float32 holds, 0 by default; None where the task has none.

    Raises:
        UsageProblem: If a name is unknown or the value is not finite.
    """
    known = {THRESHOLD} if task == "segment" else set()
    unknown = sorted(set(thresholds) - known)
    if unknown:
        raise UsageProblem(
            f"There is no threshold {unknown[0]!r}; a bundle that {task}s has {', '.join(known) or 'none'}.",
            remedy="Leave it out." if not known else f"Name it {THRESHOLD!r}.",
        )
    if task != "segment":
        return None
    with np.errstate(over="ignore"):
        value = float(np.float32(thresholds.get(THRESHOLD, 0.0)))
    if not math.isfinite(value):
        raise UsageProblem(
            f"The threshold must be finite, got {value}.", remedy="A logit of 0 is probability 0.5."
        )
    return value


def check_stages(stages: Sequence[ExportStage], task: Task) -> None:
    """Refuse stages that do not fit together.

    Raises:
        UsageProblem: Naming the stage and the rule.
    """
    problem = next(_stage_problems(stages, task), None)
    if problem is not None:
        raise UsageProblem(
            f"The network's stages do not fit together: {problem}.",
            remedy="See edgekit_export.exportable for what each stage states.",
        )


def _stage_problems(stages: Sequence[ExportStage], task: Task) -> Iterator[str]:
    if not stages:
        yield "there is none"
        return
    for kind, names in (
        ("stages", [stage.name for stage in stages]),
        ("outputs", [name for stage in stages for name in stage.outputs]),
    ):
        yield from (f"two {kind} are named {name!r}" for name, count in Counter(names).items() if count > 1)
    if len(stages[0].inputs) != 1:
        yield f"stage {stages[0].name!r} must take the image alone, and takes {len(stages[0].inputs)} inputs"
    for stage in stages:
        yield from _problems_of(stage, task)
    for before, after in pairwise(stages):
        if set(after.inputs) != set(before.carries) or not after.inputs:
            taken, carried = (", ".join(names) or "nothing" for names in (after.inputs, before.carries))
            yield f"stage {after.name!r} takes {taken}, and {before.name!r} carries {carried}"
    last = stages[-1]
    if last.carries:
        yield f"the last stage {last.name!r} carries {', '.join(last.carries)} to no stage"
    if task == "segment" and last.outputs != (LOGITS,):
        yield f"the last stage of a segmenting network has the one output {LOGITS!r}, not {last.outputs}"
    if task == "classify" and last.exit is None:
        yield f"the last stage {last.name!r} of a classifying network needs an exit"


def _problems_of(stage: ExportStage, task: Task) -> Iterator[str]:
    if not _STAGE_NAME.fullmatch(stage.name):
        yield f"{stage.name!r} must be up to 60 of a-z, 0-9, '_' and '-'"
    if not stage.outputs:
        yield f"stage {stage.name!r} has no output"
    for name in stage.outputs:
        if name in _RESERVED or not name or name in stage.inputs:
            yield f"the output {name!r} of stage {stage.name!r} is empty, an input's name or reserved"
    if not set(stage.carries) <= set(stage.outputs):
        yield f"stage {stage.name!r} carries what is none of its outputs"
    if stage.exit is None:
        return
    if task == "segment":
        yield f"stage {stage.name!r} has an exit, and the network segments"
    if stage.exit.output not in stage.outputs or stage.exit.output in stage.carries:
        yield f"the exit of stage {stage.name!r} must be one of its outputs that is not carried"
    if not 0 <= stage.exit.threshold <= 1:
        yield f"the exit of stage {stage.name!r} has the threshold {stage.exit.threshold}, outside 0 to 1"
