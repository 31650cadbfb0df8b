"""Which passes turn a traced stage into the graph that the bundle holds, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes import PreconditionError

from edgekit_export.exportable import Normalisation
from edgekit_export.graph_io import count_weight_bytes, to_bytes
from edgekit_export.macs import count_macs
from edgekit_export.parity import Expected
from edgekit_export.passes import editing
from edgekit_export.passes.base import Feeds, GraphPass
from edgekit_export.passes.dense import Dense
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.fold_batchnorm import CONVOLUTIONS, FoldBatchNorm
from edgekit_export.passes.fold_normalisation import FoldNormalisation
from edgekit_export.passes.frame_input import FrameInput
from edgekit_export.passes.mask_output import MaskOutput
from edgekit_export.passes.names import FRAME, LOGITS, THRESHOLD
from edgekit_export.passes.remove_dead import RemoveDead
from edgekit_export.passes.subpixel import Subpixel
from edgekit_export.targets import Preference, Where
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.bundle.manifest import Task
from edgekit_runtime.masks import margins_of

Array = npt.NDArray[Any]

REWRITES: Mapping[str, type[GraphPass]] = {Dense.name: Dense, Subpixel.name: Subpixel}
"""Rewrites that a caller may choose; all others are always applied."""

WHOLE_CHANNELS = 8
"""Tensor cores and TensorRT's fused kernels work on so many channels at a time."""

_DYNAMIC_ROWS = 2


@dataclass(frozen=True)
class RewrittenStage:
    """A stage as the bundle holds it.

    Attributes:
        data: ONNX bytes.
        plain: The same graph without the rewrites that were chosen: what a program is made of.
        core: The graph with the chosen rewrites and before its ending: what is lowered to another precision.
        feeds: What the finished graph was verified with.
        ends_in_mask: Whether its ending turns logits into a mask.
        macs: Multiply-accumulates per frame, counted before any rewrite.
        weight_bytes: Bytes of all initialisers.
    """

    data: bytes
    plain: ir.Model
    core: ir.Model
    feeds: Feeds
    ends_in_mask: bool
    macs: int
    weight_bytes: int

    def finish(self, passes: Sequence[GraphPass], feeds: Feeds) -> ir.Model:
        """Return the core after further passes, and with its ending, verified on feeds of the finished graph."""
        return run_passes(self.core, [*passes, *_make_ending(self.ends_in_mask)], feeds)


def rewrite_stages(
    traced: Sequence[ir.Model],
    expected: Expected,
    normalisation: Normalisation,
    pixels: PixelFormat,
    task: Task,
    batch: int | None,
    rewrites: frozenset[str],
    *,
    preferred: Sequence[Preference] = (),
) -> list[RewrittenStage]:
    """Return every stage, rewritten and verified pass by pass.

    Args:
        traced: The graphs as they were traced.
        expected: Frames, and what torch answered for them: the values that later stages are verified on.
        normalisation: What the network was trained with.
        pixels: What its frames are.
        task: "segment" or "classify".
        batch: Frames per run; None where it is dynamic.
        rewrites: Names of chosen rewrites, which every stage must admit.
        preferred: Further ones, left out where a stage does not admit them.
    """
    rows = np.arange(batch or _DYNAMIC_ROWS) % len(expected.frames)
    values = {name: array[rows] for name, array in expected.outputs.items()}
    stages = []
    for index, model in enumerate(traced):
        inputs = [str(value.name) for value in model.graph.inputs]
        feeds = {FRAME: expected.frames[rows]} if index == 0 else {name: values[name] for name in inputs}
        folding: list[GraphPass] = [FoldBatchNorm()]
        if index == 0:
            entry = FrameInput(normalisation, pixels.channels, image=inputs[0], graph_type=pixels.graph_type)
            folding += [entry, FoldNormalisation(pixels.bits)]
        folded = run_passes(model, folding, feeds)
        ends_in_mask = task == "segment" and index == len(traced) - 1
        if ends_in_mask:
            feeds[THRESHOLD] = np.array(np.median(margins_of(values[LOGITS])), np.float32)
        ending = _make_ending(ends_in_mask)
        final = plain = run_passes(folded, ending, feeds)
        core, chosen = folded, _choose(folded, rewrites, preferred)
        if chosen:
            core = run_passes(folded, chosen, feeds)
            final = run_passes(core, ending, feeds)
        stage = RewrittenStage(
            to_bytes(final), plain, core, feeds, ends_in_mask, count_macs(model), count_weight_bytes(final)
        )
        stages.append(stage)
    return stages


def _make_ending(ends_in_mask: bool) -> list[GraphPass]:
    return [MaskOutput(), RemoveDead()] if ends_in_mask else [RemoveDead()]


def _choose(folded: ir.Model, rewrites: frozenset[str], preferred: Sequence[Preference]) -> list[GraphPass]:
    """Return the rewrites in the order of their names; of the preferred ones those that the graph admits."""
    further = {item.rewrite for item in preferred if _is_meant(folded.graph, item.where)}
    passes = [REWRITES[name]() for name in sorted(rewrites | further)]
    return [item for item in passes if item.name in rewrites or _admits(folded, item)]


def _is_meant(graph: ir.Graph, where: Where) -> bool:
    if where == "everywhere":
        return True
    if where == "grouped and activated":
        return any(_is_grouped(node) and _is_activated(node) for node in graph)
    narrow = [
        node for node in graph if node.op_type == "ConvTranspose" and _count_outputs(node) % WHOLE_CHANNELS
    ]
    return any(where == "narrow" or not _is_grouped(node) for node in narrow)


def _is_grouped(node: ir.Node) -> bool:
    return node.op_type in CONVOLUTIONS and editing.int_attribute(node, "group", 1) > 1


def _is_activated(node: ir.Node) -> bool:
    consumer = editing.only_consumer(node.outputs[0])
    return consumer is not None and consumer.op_type in ("LeakyRelu", "Relu", "PRelu", "Clip")


def _count_outputs(node: ir.Node) -> int:
    shape = node.outputs[0].shape
    channels = shape[1] if shape is not None else 0
    return channels if isinstance(channels, int) else 0


def _admits(model: ir.Model, rewrite: GraphPass) -> bool:
    try:
        rewrite.requires(model)
    except PreconditionError:
        return False
    return True
