"""From graphs in fp32 to graphs in fp16 or int8 that cost no more than was allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.building import Built
from edgekit_export.execution import ChainRunner
from edgekit_export.parity import ParityFailed
from edgekit_export.passes.names import LOGITS
from edgekit_export.planning import ExportPlan
from edgekit_export.precision.draft import Draft
from edgekit_export.precision.lowered_parity import MetricLoss, check_drop, check_lowered, run_exposed
from edgekit_export.precision.to_half import lower_to_half
from edgekit_export.precision.to_int8 import lower_to_int8
from edgekit_export.rounding import root_mean_square
from edgekit_export.task_metric import Predictors, measure_metric
from edgekit_runtime.bundle import LoweringInfo, ParityCheck, StageInfo, TensorInfo

Array = npt.NDArray[Any]

NOISE_MARGIN = 4
"""What two evaluations here differ by, and two bits of room: other devices sum in yet other orders."""

STEPS = {"fp32": 2.0**-20, "fp16": 2.0**-9}
"""Of a typical logit: a few units in the last place of the type that the network's head computes in."""


@dataclass(frozen=True)
class Lowered:
    """Graphs below fp32.

    Attributes:
        stages: As the manifest describes them.
        graphs: ONNX bytes of each.
        checks: Rows of the parity table.
        info: How they came about.
        loss: What the task metric loses; None where nobody evaluates.
        noise: How far the logits of two correct evaluations of them lie apart; 0 where there are none.
    """

    stages: tuple[StageInfo, ...]
    graphs: tuple[bytes, ...] = field(repr=False)
    checks: tuple[ParityCheck, ...]
    info: LoweringInfo
    loss: MetricLoss | None
    noise: float

    def find_logits(self, frames: Array, plan: ExportPlan) -> Array:
        """Return what these graphs answer before the threshold, float32 (N, K, H, W)."""
        return run_exposed(self.graphs, frames, batch=plan.contract.batch, threshold=plan.threshold)[LOGITS]


def lower_stages(plan: ExportPlan, built: Built) -> Lowered:
    """Lower every stage to the precision that was asked for, and compare the result with torch and with fp32.

    Args:
        plan: What was asked for.
        built: The graphs in fp32.

    Raises:
        UsageProblem: If a layer that is to stay in fp32 does not exist.
        UnusableInput: If the calibration images cannot be used.
        GateFailed: If the task metric drops by more than was allowed, whatever is left in a higher precision.
    """
    precision = plan.precision.precision
    plan.report(f"lowering to {precision}")

    def measure(draft: Draft) -> float:
        return _measure(plan, built, draft)

    lower = lower_to_half if precision == "fp16" else lower_to_int8
    draft = lower(plan, built, measure)
    stages = describe_lowered(built.stages, draft)
    plan.report(f"comparing {precision} with torch")
    checks, loss = _compare(plan, built, draft, stages), None
    if built.metric is not None and all(check.ok for check in checks):
        metric = built.metric
        loss = MetricLoss(metric.name, metric.torch, metric.fp32, measure(draft), plan.precision.max_drop)
        checks = (*checks, check_drop(precision, loss))
    if not all(check.ok for check in checks):
        raise ParityFailed((*built.checks, *checks))
    return Lowered(stages, draft.graphs, checks, draft.info, loss, _measure_noise(plan, built, draft))


def describe_lowered(stages: Sequence[StageInfo], draft: Draft) -> tuple[StageInfo, ...]:
    """Return the stages as the manifest describes them: fewer bytes of weights, what is carried in fp16."""

    def narrow(tensors: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
        return tuple(
            replace(item, dtype="float16") if item.name in draft.carried else item for item in tensors
        )

    return tuple(
        replace(
            stage,
            inputs=narrow(stage.inputs),
            outputs=narrow(stage.outputs),
            weight_bytes=weight_bytes,
            program=None,
        )
        for stage, weight_bytes in zip(stages, draft.weight_bytes, strict=True)
    )


def _measure(plan: ExportPlan, built: Built, draft: Draft) -> float:
    """Return the task metric; 1 where nobody evaluates, so that nothing is left in a higher precision for it."""
    if built.metric is None:
        return 1.0
    stages = describe_lowered(built.stages, draft)
    chain = ChainRunner(draft.judged, batch=plan.contract.batch)
    predictors = Predictors(built.reference.run, chain, stages, plan.threshold)
    return measure_metric(built.metric.evaluate, predictors.exported)[1]


def _compare(
    plan: ExportPlan, built: Built, draft: Draft, stages: Sequence[StageInfo]
) -> tuple[ParityCheck, ...]:
    frames = np.stack(plan.samples)
    return check_lowered(
        plan.precision.precision,
        stages,
        draft.judged,
        frames,
        built.reference.run(frames),
        batch=plan.contract.batch,
        threshold=plan.threshold,
    )


def _measure_noise(plan: ExportPlan, built: Built, draft: Draft) -> float:
    """Run the graphs by ONNX Runtime's kernels, and as others would: what lies between is order, ties and roundings."""
    if plan.threshold is None:
        return 0.0
    frames, batch = built.expected.frames, plan.contract.batch
    one, other = (
        run_exposed(graphs, frames, batch=batch, threshold=plan.threshold, optimise=optimise)[LOGITS]
        for graphs, optimise in ((draft.graphs, True), (draft.judged, False))
    )
    # Verification counts pixels. Where a few values jump by a whole step of int8, the largest difference would call
    # half of a mask undecided; the root mean square says how many pixels move.
    return NOISE_MARGIN * root_mean_square(one - other) + STEPS[draft.info.rest] * root_mean_square(one)
