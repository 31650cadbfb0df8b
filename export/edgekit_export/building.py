"""The graphs in fp32, compared with torch: what every export makes first, whatever precision it ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from edgekit_export import tracing
from edgekit_export.execution import ChainRunner
from edgekit_export.fusing.checking import check_program_values
from edgekit_export.fusing.program import NoProgram, Program
from edgekit_export.fusing.reference import Evaluation, evaluate_program
from edgekit_export.fusing.stage_program import find_program
from edgekit_export.parity import Expected, ParityFailed, check_parity, choose_frames
from edgekit_export.planning import ExportPlan
from edgekit_export.rewriting import RewrittenStage, rewrite_stages
from edgekit_export.rounding import measure_bounds, measure_rms_bounds
from edgekit_export.stage_info import describe_stages
from edgekit_export.task_metric import Evaluate, Predictors, compare_metrics, measure_metric
from edgekit_export.tile_choice import describe_tiles
from edgekit_runtime.bundle import InputContract, ParityCheck, StageInfo

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Fused:
    """The stage as a program.

    Attributes:
        program: What is written.
        frames: On which the table compares.
        answer: What the program answers for them.
    """

    program: Program
    frames: Array
    answer: Evaluation


@dataclass(frozen=True)
class Metric:
    """The task metric of the checks' images.

    Attributes:
        name: Such as "miou".
        torch: With the network.
        fp32: With the graphs.
        evaluate: Computes it.
    """

    name: str
    torch: float
    fp32: float
    evaluate: Evaluate


@dataclass(frozen=True)
class Built:
    """Graphs in fp32 that answer like the network.

    Attributes:
        contract: The frames that the bundle will accept, tiles included.
        stages: As the manifest describes them.
        rewritten: What later steps start from.
        expected: What torch answered.
        checks: The parity table.
        metric: None where nobody evaluates.
        fused: The program; None where there is none, or the bundle will not be in fp32.
        has_program: Whether the network has one in fp32.
        reference: The network in torch.
    """

    contract: InputContract
    stages: tuple[StageInfo, ...]
    rewritten: tuple[RewrittenStage, ...]
    expected: Expected
    checks: tuple[ParityCheck, ...]
    metric: Metric | None
    fused: Fused | None
    has_program: bool
    reference: tracing.Reference

    @property
    def graphs(self) -> tuple[bytes, ...]:
        """ONNX bytes of every stage."""
        return tuple(stage.data for stage in self.rewritten)


def build_fp32(plan: ExportPlan, evaluate: Evaluate | None) -> Built:
    """Trace, rewrite and compare.

    Raises:
        ParityFailed: If the graphs do not answer like the network.
    """
    contract = plan.contract
    plan.report("running the network in torch")
    reference = tracing.Reference(plan.model, plan.normalisation)
    expected = _run_reference(plan, reference)
    plan.report(f"tracing {', '.join(stage.name for stage in plan.stages)}")
    traced = tracing.trace_stages(plan.model, size=(contract.height, contract.width), batch=contract.batch)
    contract = describe_tiles(contract, traced, plan.overlap, plan.info.task)
    if contract.fit == "tile":
        plan.report(
            f"tiles share {contract.overlap} px; a pixel of the mask looks {_reach_text(contract)} far"
        )
    plan.report("rewriting the graphs")
    rewritten = rewrite_stages(
        traced,
        expected,
        plan.normalisation,
        contract.pixels,
        plan.info.task,
        contract.batch,
        plan.rewrites,
        preferred=plan.target.rewrites[plan.precision.precision],
    )
    costs = [(stage.macs, stage.weight_bytes) for stage in rewritten]
    stages = describe_stages(plan.stages, expected.outputs, contract, plan.info, costs)
    plan.report("comparing with torch")
    graphs = tuple(stage.data for stage in rewritten)
    checks = check_parity(stages, graphs, expected, batch=contract.batch, threshold=plan.threshold)
    program, fused = _find_program(plan, stages, rewritten), None
    if program is not None and plan.precision.precision == "fp32":  # a program computes in float32
        fused = Fused(program, expected.frames, evaluate_program(program, expected.frames))
        stages = (replace(stages[0], program=fused.program.info),)
        checks = (*checks, check_program_values(fused.answer, expected))
    metric = None
    if evaluate is not None and all(check.ok for check in checks):
        metric = _measure(plan, evaluate, stages, graphs)
        checks = (*checks, compare_metrics(metric.name, metric.torch, metric.fp32))
    if not all(check.ok for check in checks):
        raise ParityFailed(checks)
    return Built(
        contract, stages, tuple(rewritten), expected, checks, metric, fused, program is not None, reference
    )


def _reach_text(contract: InputContract) -> str:
    return "without limit" if contract.reach is None else f"at most {contract.reach} px"


def _measure(
    plan: ExportPlan, evaluate: Evaluate, stages: Sequence[StageInfo], graphs: Sequence[bytes]
) -> Metric:
    # Metrics have four digits: the threads that evaluation is given do not show in them.
    fast = tracing.Reference(plan.model, plan.normalisation, threads=None)
    chain = ChainRunner(graphs, batch=plan.contract.batch)
    predictors = Predictors(fast.run, chain, stages, plan.threshold)
    name, torch = measure_metric(evaluate, predictors.torch)
    return Metric(name, torch, measure_metric(evaluate, predictors.exported)[1], evaluate)


def _find_program(
    plan: ExportPlan, stages: Sequence[StageInfo], rewritten: Sequence[RewrittenStage]
) -> Program | None:
    try:
        return find_program(stages, rewritten, plan.contract, plan.info)
    except NoProgram as error:
        if plan.precision.precision == "fp32":
            plan.report(f"no fused program: {error}")
        return None


def _run_reference(plan: ExportPlan, reference: tracing.Reference) -> Expected:
    frames = choose_frames(plan.samples, levels=plan.contract.pixels.levels)
    outputs = reference.run(frames)
    double = tracing.Reference(plan.model, plan.normalisation, double=True).run_if_possible(frames)
    return Expected(frames, outputs, measure_bounds(outputs, double), measure_rms_bounds(outputs, double))
