"""Which passes turn a traced stage into the graph that the bundle holds, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.exportable import Normalisation
from edgekit_export.graph_io import count_weight_bytes, to_bytes
from edgekit_export.macs import count_macs
from edgekit_export.parity import Expected
from edgekit_export.passes.base import GraphPass
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.fold_batchnorm import FoldBatchNorm
from edgekit_export.passes.fold_normalisation import FoldNormalisation
from edgekit_export.passes.frame_input import FrameInput
from edgekit_export.passes.mask_output import MaskOutput
from edgekit_export.passes.names import FRAME, LOGITS, THRESHOLD
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_export.passes.subpixel import Subpixel
from edgekit_runtime.bundle.manifest import Channels, Task
from edgekit_runtime.masks import margins_of

Array = npt.NDArray[Any]

REWRITES: Mapping[str, type[GraphPass]] = {Subpixel.name: Subpixel}
"""Rewrites that a caller may choose; all others are always applied."""

_DYNAMIC_ROWS = 2


@dataclass(frozen=True)
class RewrittenStage:
    """A stage as the bundle holds it.

    Attributes:
        data: ONNX bytes.
        plain: The same graph without the rewrites that a caller chose: what a program is made of.
        macs: Multiply-accumulates per frame, counted before any rewrite.
        weight_bytes: Bytes of all initialisers.
    """

    data: bytes
    plain: ir.Model
    macs: int
    weight_bytes: int


def rewrite_stages(
    traced: Sequence[ir.Model],
    expected: Expected,
    normalisation: Normalisation,
    channels: Channels,
    task: Task,
    batch: int | None,
    rewrites: frozenset[str],
) -> list[RewrittenStage]:
    """Return every stage, rewritten and verified pass by pass.

    Args:
        traced: The graphs as they were traced.
        expected: Frames, and what torch answered for them: the values that later stages are verified on.
        normalisation: What the network was trained with.
        channels: Order that the network takes.
        task: "segment" or "classify".
        batch: Frames per run; None where it is dynamic.
        rewrites: Names of chosen rewrites.
    """
    rows = np.arange(batch or _DYNAMIC_ROWS) % len(expected.frames)
    values = {name: array[rows] for name, array in expected.outputs.items()}
    stages = []
    for index, model in enumerate(traced):
        inputs = [str(value.name) for value in model.graph.inputs]
        feeds = {FRAME: expected.frames[rows]} if index == 0 else {name: values[name] for name in inputs}
        folding: list[GraphPass] = [FoldBatchNorm()]
        if index == 0:
            folding += [FrameInput(normalisation, channels, image=inputs[0]), FoldNormalisation()]
        folded = run_passes(model, folding, feeds)
        ending: list[GraphPass] = [RemoveDead()]
        if task == "segment" and index == len(traced) - 1:
            ending.insert(0, MaskOutput())
            feeds[THRESHOLD] = np.array(np.median(margins_of(values[LOGITS])), np.float32)
        plain = run_passes(folded, ending, feeds)
        chosen = [REWRITES[name]() for name in sorted(rewrites)]
        final = run_passes(folded, [*chosen, *ending], feeds) if chosen else plain
        stages.append(RewrittenStage(to_bytes(final), plain, count_macs(model), count_weight_bytes(final)))
    return stages
