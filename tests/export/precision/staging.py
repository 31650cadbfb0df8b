"""Stages in fp32 as precision passes get them: folded, from the frame to logits or probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from edgekit_export import tracing
from edgekit_export.execution import GraphRunner
from edgekit_export.exportable import Normalisation
from edgekit_export.graph_io import from_bytes, infer_shapes, to_bytes
from edgekit_export.passes.base import GraphPass
from edgekit_export.passes.driver import run_passes
from edgekit_export.passes.fold_batchnorm import FoldBatchNorm
from edgekit_export.passes.fold_normalisation import FoldNormalisation
from edgekit_export.passes.frame_input import FrameInput
from edgekit_export.passes.remove_dead import RemoveDead


def make_stages(
    network: Any,
    normalisation: Normalisation,
    frames: np.ndarray,
    *,
    batch: int | None = None,
    rewrites: tuple[GraphPass, ...] = (),
) -> tuple[ir.Model, ...]:
    """Trace and fold every stage of a network."""
    entry, _ = tracing.read_contract(network)
    height, width = frames.shape[1:3]
    feeds = {"frame": frames}
    stages = []
    for index, model in enumerate(tracing.trace_stages(network, size=(height, width), batch=batch)):
        passes: list[GraphPass] = [FoldBatchNorm()]
        if index == 0:
            image = str(model.graph.inputs[0].name)
            passes += [FrameInput(normalisation, entry.channels, image=image), FoldNormalisation()]
        stages.append(run_passes(model, [*passes, *rewrites, RemoveDead()], feeds))
        feeds = GraphRunner(to_bytes(stages[-1]), optimise=False).run(feeds)
    return tuple(stages)


def copy_of(model: ir.Model) -> ir.Model:
    """Return a copy with shapes."""
    return infer_shapes(from_bytes(to_bytes(model)))
