"""From a torch network to a bundle on disk: trace, rewrite, compare, record, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export import tracing
from edgekit_export.execution import ChainRunner
from edgekit_export.exportable import Module, Normalisation
from edgekit_export.fusing.checking import can_run_programs, check_program_masks, check_program_values
from edgekit_export.fusing.program import NoProgram, Program
from edgekit_export.fusing.reference import Evaluation, evaluate_program
from edgekit_export.fusing.stage_program import find_program
from edgekit_export.golden import GoldenFiles, make_mask_samples, make_probability_samples
from edgekit_export.parity import Expected, ParityFailed, check_parity, choose_frames, spread
from edgekit_export.passes.names import LOGITS, THRESHOLD
from edgekit_export.planning import ExportPlan, Report, make_plan
from edgekit_export.rewriting import RewrittenStage, rewrite_stages
from edgekit_export.rounding import measure_bounds, measure_rms_bounds
from edgekit_export.stage_info import describe_stages
from edgekit_export.task_metric import Evaluate, Predictors, check_metric
from edgekit_runtime.bundle import (
    SCHEMA_NAME,
    SCHEMA_VERSION,
    DataInfo,
    Manifest,
    ModelInfo,
    ParityCheck,
    Provenance,
    StageInfo,
    ThresholdInfo,
    arrays_bytes,
    write_bundle,
)
from edgekit_runtime.bundle.manifest import Fit
from edgekit_runtime.bundle.writer import check_bundle_target

Array = npt.NDArray[Any]

MOST_GOLDEN_CANDIDATES = 16
_NO_THRESHOLDS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        path: The bundle.
        digest: SHA-256 that vouches for every byte of it.
        checks: The parity table (see `render_parity`); every row is ok.
        stages: The graphs as the manifest describes them.
        golden: Number of golden samples.
    """

    path: Path
    digest: str
    checks: tuple[ParityCheck, ...]
    stages: tuple[StageInfo, ...]
    golden: int


@dataclass(frozen=True)
class _Fused:
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
class _Result:
    """Graphs that answer like the network."""

    stages: tuple[StageInfo, ...]
    graphs: tuple[bytes, ...]
    checks: tuple[ParityCheck, ...]
    golden: GoldenFiles = field(repr=False)
    fused: _Fused | None = field(repr=False)

    @property
    def files(self) -> dict[str, bytes]:
        """Every file of the bundle."""
        files = {info.file: graph for info, graph in zip(self.stages, self.graphs, strict=True)}
        if self.fused is not None:
            files[self.fused.program.info.weights] = arrays_bytes(self.fused.program.weights)
        return {**files, **self.golden.files}


def _silent(_: str) -> None:
    """Report nothing."""


def export_bundle(
    model: Module,
    *,
    out: str | Path,
    name: str,
    model_info: ModelInfo,
    normalisation: Normalisation,
    samples: Sequence[npt.NDArray[Any]],
    provenance: Provenance,
    size: tuple[int, int] | None = None,
    fit: Fit = "refuse",
    batch: int | None = None,
    data: DataInfo | None = None,
    thresholds: Mapping[str, float] = _NO_THRESHOLDS,
    rewrites: frozenset[str] = frozenset(),
    evaluate: Evaluate | None = None,
    mm_per_pixel: float | None = None,
    report: Report = _silent,
) -> ExportReport:
    """Export a network and write its bundle, replacing the one that may be there.

    Args:
        model: An exportable (see `edgekit_export.exportable`); it is copied and left as it is.
        out: NAME.edgekit, in a directory that exists.
        name: What the bundle calls itself.
        model_info: Which network it is, its classes and its parameters.
        normalisation: What the network was trained with.
        samples: uint8 frames (H, W) or (H, W, 3) of the export size, some with defects; the first ones are
            what the exported graphs are compared on, and golden samples are chosen among them.
        provenance: Where the weights come from.
        size: (height, width); the network's own default where omitted.
        fit: "refuse" makes a bundle for frames of the size alone, "pad" one that pads smaller frames.
        batch: Frames per run; None leaves it dynamic.
        data: Which data the weights were trained on.
        thresholds: Default threshold on the logit by name ("threshold"); 0, which is probability 0.5, where
            omitted.
        rewrites: Choices, such as "subpixel".
        evaluate: Computes the task's metrics with a predictor; the first may differ by 0.001.
        mm_per_pixel: Scale of the frames, where known.
        report: Receives one line per step.

    Raises:
        UsageProblem: If the call or the network's own statement contradicts itself.
        FrameError: If a sample does not fit.
        CheckpointError: If a weight is NaN or infinite.
        GateFailed: If a pass broke the graph, the exported graphs do not answer like the network
            (`ParityFailed`), or no golden sample can be recorded. Nothing was written.
        IoFault: If the disk fails; an existing bundle is as it was.
    """
    target = Path(out)
    check_bundle_target(target)
    plan = make_plan(
        model,
        model_info,
        normalisation,
        size=size,
        batch=batch,
        mm_per_pixel=mm_per_pixel,
        fit=fit,
        samples=samples,
        thresholds=thresholds,
        rewrites=rewrites,
        report=report,
    )
    result = _build(plan, evaluate)
    last = result.stages[-1].name
    defaults = () if plan.threshold is None else (ThresholdInfo(THRESHOLD, last, "logit", plan.threshold),)
    manifest = Manifest(
        schema=f"{SCHEMA_NAME}/{SCHEMA_VERSION}",
        name=name,
        model=model_info,
        input=plan.contract,
        precision="fp32",
        stages=result.stages,
        thresholds=defaults,
        golden=result.golden.samples,
        provenance=provenance,
        data=data,
        parity=result.checks,
        versions=_versions(),
        files={},
    )
    manifest = _check_backend(manifest, result, report)
    report(f"writing {target}")
    bundle = write_bundle(target, manifest, result.files)
    return ExportReport(target, bundle.digest, manifest.parity, result.stages, len(result.golden.samples))


def _build(plan: ExportPlan, evaluate: Evaluate | None) -> _Result:
    contract = plan.contract
    plan.report("running the network in torch")
    reference = tracing.Reference(plan.model, plan.normalisation)
    expected = _run_reference(plan, reference)
    plan.report(f"tracing {', '.join(stage.name for stage in plan.stages)}")
    traced = tracing.trace_stages(plan.model, size=(contract.height, contract.width), batch=contract.batch)
    plan.report("rewriting the graphs")
    rewritten = rewrite_stages(
        traced, expected, plan.normalisation, contract.channels, plan.info.task, contract.batch, plan.rewrites
    )
    graphs = tuple(stage.data for stage in rewritten)
    costs = [(stage.macs, stage.weight_bytes) for stage in rewritten]
    stages = describe_stages(plan.stages, expected.outputs, contract, plan.info, costs)
    plan.report("comparing with torch")
    checks = check_parity(stages, graphs, expected, batch=contract.batch, threshold=plan.threshold)
    fused = _fuse(plan, stages, rewritten, expected.frames)
    if fused is not None:
        stages = (replace(stages[0], program=fused.program.info),)
        checks = (*checks, check_program_values(fused.answer, expected))
    chain = ChainRunner(graphs, batch=contract.batch)
    if evaluate is not None and all(check.ok for check in checks):
        # Metrics have four digits: the threads that evaluation is given do not show in them.
        fast = tracing.Reference(plan.model, plan.normalisation, threads=None)
        checks = (*checks, check_metric(evaluate, Predictors(fast.run, chain, stages, plan.threshold)))
    if not all(check.ok for check in checks):
        raise ParityFailed(checks)
    plan.report("recording golden samples")
    golden = _record_golden(plan, reference, expected, chain, stages, fused)
    return _Result(stages, graphs, checks, golden, fused)


def _fuse(
    plan: ExportPlan, stages: Sequence[StageInfo], rewritten: Sequence[RewrittenStage], frames: Array
) -> _Fused | None:
    try:
        program = find_program(stages, rewritten, plan.contract, plan.info)
    except NoProgram as error:
        plan.report(f"no fused program: {error}")
        return None
    return _Fused(program, frames, evaluate_program(program, frames))


def _check_backend(manifest: Manifest, result: _Result, report: Report) -> Manifest:
    """Return the manifest with the row of the backend that runs the program, where that can run here."""
    if result.fused is None or not can_run_programs():
        return manifest
    report("comparing the fused program with its reference")
    check = check_program_masks(manifest, result.files, result.fused.frames, result.fused.answer)
    checks = (*manifest.parity, check)
    if not check.ok:
        raise ParityFailed(checks)
    return replace(manifest, parity=checks)


def _run_reference(plan: ExportPlan, reference: tracing.Reference) -> Expected:
    frames = choose_frames(plan.samples)
    outputs = reference.run(frames)
    double = tracing.Reference(plan.model, plan.normalisation, double=True).run_if_possible(frames)
    return Expected(frames, outputs, measure_bounds(outputs, double), measure_rms_bounds(outputs, double))


def _record_golden(
    plan: ExportPlan,
    reference: tracing.Reference,
    expected: Expected,
    chain: ChainRunner,
    stages: Sequence[StageInfo],
    fused: _Fused | None,
) -> GoldenFiles:
    frames = np.stack(spread(plan.samples, MOST_GOLDEN_CANDIDATES))
    if plan.threshold is None:
        return make_probability_samples(frames, chain, stages)
    logits = reference.run(frames)[LOGITS]
    bound = expected.bounds[LOGITS]
    program = None if fused is None else fused.program
    return make_mask_samples(frames, logits, chain, threshold=plan.threshold, bound=bound, program=program)


def _versions() -> dict[str, str]:
    versions = {name: _version(name) for name in ("edgekit", "onnx", "onnx-ir", "onnxscript", "onnxruntime")}
    return {**versions, "torch": tracing.version(), "opset": str(tracing.OPSET)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a source tree on the path, or another build of the package
        return "unknown"
