"""From graphs in fp32 to graphs in fp16 or int8 that cost no more than was allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from edgekit_export.building import Built
from edgekit_export.passes.names import LOGITS
from edgekit_export.planning import ExportPlan
from edgekit_export.precision.lowered_parity import run_exposed
from edgekit_runtime.bundle import LoweringInfo, ParityCheck, StageInfo

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Lowered:
    """Graphs below fp32.

    Attributes:
        stages: As the manifest describes them.
        graphs: ONNX bytes of each.
        checks: Rows of the parity table.
        info: How they came about.
        noise: How far the logits of two correct evaluations of them may lie apart.
    """

    stages: tuple[StageInfo, ...]
    graphs: tuple[bytes, ...] = field(repr=False)
    checks: tuple[ParityCheck, ...]
    info: LoweringInfo
    noise: float

    def find_logits(self, frames: Array, plan: ExportPlan) -> Array:
        """Return what these graphs answer before the threshold, float32 (N, K, H, W)."""
        return run_exposed(self.graphs, frames, batch=plan.contract.batch, threshold=plan.threshold)[LOGITS]


def lower_stages(plan: ExportPlan, built: Built) -> Lowered:
    raise NotImplementedError
