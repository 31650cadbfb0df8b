"""The steps of an export one by one, for tests that look between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from edgekit_export import tracing
from edgekit_export.exportable import Normalisation
from edgekit_export.parity import Expected, check_parity, choose_frames
from edgekit_export.rewriting import RewrittenStage, rewrite_stages
from edgekit_export.rounding import measure_bounds, measure_rms_bounds
from edgekit_export.stage_info import describe_input, describe_stages
from edgekit_export.targets import Preference
from edgekit_runtime.bundle import InputContract, ModelInfo, ParityCheck, PixelFormat, Provenance, StageInfo

CLASSES = {1: ("background", "defect"), 3: ("background", "hole", "stain")}
PROVENANCE = Provenance("untrained", "0" * 64, "random weights of a test", None)


@dataclass(frozen=True)
class Built:
    """What an export has in hand before it writes."""

    expected: Expected
    traced: tuple[ir.Model, ...]
    rewritten: tuple[RewrittenStage, ...]
    infos: tuple[StageInfo, ...]
    batch: int | None
    threshold: float | None

    @property
    def graphs(self) -> tuple[bytes, ...]:
        return tuple(stage.data for stage in self.rewritten)

    def check(self, graphs: Sequence[bytes] | None = None) -> tuple[ParityCheck, ...]:
        """Return the parity table of these graphs, or of others in their place."""
        return check_parity(
            self.infos, graphs or self.graphs, self.expected, batch=self.batch, threshold=self.threshold
        )


def model_info(task: str, classes: int) -> ModelInfo:
    """Return a description for a network of the tests; one channel of logits means two classes."""
    return ModelInfo("of-the-tests", task, CLASSES[classes], CLASSES[classes][0], "none", 0)


def expect(network: Any, normalisation: Normalisation, frames: np.ndarray) -> Expected:
    """Run the network in torch on the frames and on noise."""
    frames = choose_frames(frames)
    outputs = tracing.Reference(network, normalisation).run(frames)
    double = tracing.Reference(network, normalisation, double=True).run(frames)
    return Expected(frames, outputs, measure_bounds(outputs, double), measure_rms_bounds(outputs, double))


def build(
    network: Any,
    normalisation: Normalisation,
    frames: np.ndarray,
    classes: int,
    *,
    batch: int | None = None,
    rewrites: frozenset[str] = frozenset(),
    preferred: Sequence[Preference] = (),
) -> Built:
    """Export a network without writing it."""
    height, width = frames.shape[1:3]
    expected = expect(network, normalisation, frames)
    traced = tracing.trace_stages(network, size=(height, width), batch=batch)
    entry, stages = tracing.read_contract(network)
    task = network.task
    rewritten = rewrite_stages(
        traced,
        expected,
        normalisation,
        PixelFormat(entry.channels),
        task,
        batch,
        rewrites,
        preferred=preferred,
    )
    contract: InputContract = describe_input(
        entry, normalisation, size=(height, width), batch=batch, mm_per_pixel=None
    )
    costs = [(stage.macs, stage.weight_bytes) for stage in rewritten]
    infos = describe_stages(stages, expected.outputs, contract, model_info(task, classes), costs)
    threshold = 0.0 if task == "segment" else None
    return Built(expected, tuple(traced), tuple(rewritten), infos, batch, threshold)
