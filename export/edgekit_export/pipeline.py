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
from edgekit_export.building import Built, Fused, build_fp32
from edgekit_export.compiling.compile_check import CompileCheck
from edgekit_export.compiling.engines import add_engines
from edgekit_export.execution import ChainRunner
from edgekit_export.exportable import Module, Normalisation
from edgekit_export.fusing.checking import can_run_programs, check_program_masks
from edgekit_export.golden import (
    MOST_UNDECIDED_LOWERED,
    GoldenFiles,
    make_mask_samples,
    make_probability_samples,
)
from edgekit_export.graph_io import find_opset
from edgekit_export.parity import ParityFailed, spread
from edgekit_export.passes.names import LOGITS, THRESHOLD
from edgekit_export.planning import ExportPlan, Report, make_plan
from edgekit_export.precision.lowered_parity import MetricLoss
from edgekit_export.precision.lowering import Lowered, lower_stages
from edgekit_export.precision.request import FP32, PrecisionRequest
from edgekit_export.task_metric import Evaluate
from edgekit_runtime.bundle import (
    SCHEMA_NAME,
    SCHEMA_VERSION,
    DataInfo,
    LoweringInfo,
    Manifest,
    ModelInfo,
    ParityCheck,
    Provenance,
    StageInfo,
    ThresholdInfo,
    VerdictRules,
    arrays_bytes,
    write_bundle,
)
from edgekit_runtime.bundle.contract import Fit, GreyFormula
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
        lowering: How the graphs came to a precision below fp32; None in fp32.
        loss: What the task metric loses below fp32; None in fp32, and where nobody evaluates.
        compiled: What the compile check found; None where no engines were asked for.
        has_program: Whether the network in fp32 is one for the backend `fused`.
        fp32_graphs: ONNX bytes of every stage before it was lowered, to compare with.
    """

    path: Path
    digest: str
    checks: tuple[ParityCheck, ...]
    stages: tuple[StageInfo, ...]
    golden: int
    lowering: LoweringInfo | None = None
    loss: MetricLoss | None = None
    compiled: CompileCheck | None = None
    has_program: bool = False
    fp32_graphs: tuple[bytes, ...] = field(default=(), repr=False)


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
    overlap: int | None = None,
    bits: int = 8,
    grey: GreyFormula = "equal",
    batch: int | None = None,
    data: DataInfo | None = None,
    thresholds: Mapping[str, float] = _NO_THRESHOLDS,
    rewrites: frozenset[str] = frozenset(),
    evaluate: Evaluate | None = None,
    mm_per_pixel: float | None = None,
    precision: PrecisionRequest = FP32,
    target: str = "any",
    engine_targets: Sequence[int] | None = None,
    report: Report = _silent,
) -> ExportReport:
    """Export a network and write its bundle, replacing the one that may be there.

    Args:
        model: An exportable (see `edgekit_export.exportable`); it is copied and left as it is.
        out: NAME.edgekit, in a directory that exists.
        name: What the bundle calls itself.
        model_info: Which network it is, its classes and its parameters.
        normalisation: What the network was trained with.
        samples: Frames (H, W) or (H, W, 3) of the export size, as a camera gives them, some with defects; they are
            what the exported graphs are compared on, and golden samples are chosen among them.
        provenance: Where the weights come from.
        size: (height, width); the network's own default where omitted.
        fit: "refuse" makes a bundle for frames of the size alone, "pad" one that pads smaller frames, "tile" one that
            cuts frames of any size into tiles of that size.
        overlap: What neighbouring tiles share, in pixels; None takes the least with which they answer as the whole
            frame does (`receptive_field`).
        bits: Depth of the frames: uint8 up to 8 bits, uint16 above.
        grey: How colour frames become grey for a network that takes grey; "equal" takes only those that are.
        batch: Frames per run; None leaves it dynamic.
        data: Which data the weights were trained on.
        thresholds: Default threshold on the logit by name ("threshold"); 0, which is probability 0.5, where
            omitted.
        rewrites: Choices, such as "subpixel".
        evaluate: Computes the task's metrics with a predictor; the first may differ by 0.001 in fp32, and by what
            `precision` allows below it.
        mm_per_pixel: Scale of the frames, where known.
        precision: fp32, or a lower one with what it may cost.
        target: What the bundle is for (see `edgekit_export.targets`), which chooses further rewrites.
        engine_targets: Compute capabilities to compile engines for by TensorRT-RTX; None leaves engines out.
        report: Receives one line per step.

    Raises:
        UsageProblem: If the call or the network's own statement contradicts itself.
        FrameError: If a sample does not fit.
        CheckpointError: If a weight is NaN or infinite.
        GateFailed: If a pass broke the graph, the exported graphs do not answer like the network
            (`ParityFailed`), a lower precision costs more than it may, or no golden sample can be recorded. Nothing
            was written. The same where TensorRT-RTX gives a layer less than the graph asks for.
        MissingDependency: If engines are asked for and TensorRT-RTX is not installed.
        IoFault: If the disk fails; an existing bundle is as it was.
    """
    target_path = Path(out)
    check_bundle_target(target_path)
    plan = make_plan(
        model,
        model_info,
        normalisation,
        size=size,
        batch=batch,
        mm_per_pixel=mm_per_pixel,
        fit=fit,
        overlap=overlap,
        bits=bits,
        grey=grey,
        samples=samples,
        thresholds=thresholds,
        rewrites=rewrites,
        precision=precision,
        target=target,
        report=report,
    )
    built = build_fp32(plan, evaluate)
    lowered = None if precision.precision == "fp32" else lower_stages(plan, built)
    stages, graphs, checks = (
        (built.stages, built.graphs, built.checks)
        if lowered is None
        else (lowered.stages, lowered.graphs, (*built.checks, *lowered.checks))
    )
    report("recording golden samples")
    golden = _record_golden(plan, built, lowered)
    files = {**_list_files(stages, graphs, built.fused), **golden.files}
    compiled = None
    if engine_targets is not None:
        report(f"compiling engines for SM {', '.join(map(str, engine_targets))}")
        engines = add_engines(stages, graphs, targets=engine_targets)
        stages, compiled = engines.stages, engines.check
        files.update(engines.files)
    last = stages[-1].name
    defaults = () if plan.threshold is None else (ThresholdInfo(THRESHOLD, last, "logit", plan.threshold),)
    manifest = Manifest(
        schema=f"{SCHEMA_NAME}/{SCHEMA_VERSION}",
        name=name,
        model=model_info,
        input=built.contract,
        precision=precision.precision,
        stages=stages,
        thresholds=defaults,
        rules=VerdictRules(),
        golden=golden.samples,
        provenance=provenance,
        data=data,
        parity=checks,
        versions=_versions(opset=find_opset(graphs[0])),
        files={},
        lowering=None if lowered is None else lowered.info,
    )
    manifest = _check_backend(manifest, files, built.fused, report)
    report(f"writing {target_path}")
    bundle = write_bundle(target_path, manifest, files)
    return ExportReport(
        target_path,
        bundle.digest,
        manifest.parity,
        stages,
        len(golden.samples),
        manifest.lowering,
        None if lowered is None else lowered.loss,
        compiled,
        built.has_program,
        built.graphs,
    )


def _list_files(
    stages: Sequence[StageInfo], graphs: Sequence[bytes], fused: Fused | None
) -> dict[str, bytes]:
    files = {info.file: graph for info, graph in zip(stages, graphs, strict=True)}
    if fused is not None:
        files[fused.program.info.weights] = arrays_bytes(fused.program.weights)
    return files


def _check_backend(
    manifest: Manifest, files: Mapping[str, bytes], fused: Fused | None, report: Report
) -> Manifest:
    """Return the manifest with the row of the backend that runs the program, where that can run here."""
    if fused is None or not can_run_programs():
        return manifest
    report("comparing the fused program with its reference")
    check = check_program_masks(manifest, files, fused.frames, fused.answer)
    checks = (*manifest.parity, check)
    if not check.ok:
        raise ParityFailed(checks)
    return replace(manifest, parity=checks)


def _record_golden(plan: ExportPlan, built: Built, lowered: Lowered | None) -> GoldenFiles:
    frames = np.stack(spread(plan.samples, MOST_GOLDEN_CANDIDATES))
    stages, graphs = (built.stages, built.graphs) if lowered is None else (lowered.stages, lowered.graphs)
    chain = ChainRunner(graphs, batch=plan.contract.batch)
    if plan.threshold is None:
        return make_probability_samples(frames, chain, stages)
    bound = built.expected.bounds[LOGITS]
    if lowered is not None:
        return make_mask_samples(
            frames,
            lowered.find_logits(frames, plan),
            chain,
            threshold=plan.threshold,
            bound=max(bound, lowered.noise),
            most_undecided=MOST_UNDECIDED_LOWERED,
        )
    logits = built.reference.run(frames)[LOGITS]
    program = None if built.fused is None else built.fused.program
    return make_mask_samples(frames, logits, chain, threshold=plan.threshold, bound=bound, program=program)


def _versions(*, opset: int) -> dict[str, str]:
    versions = {name: _version(name) for name in ("edgekit", "onnx", "onnx-ir", "onnxscript", "onnxruntime")}
    return {**versions, "torch": tracing.version(), "opset": str(opset)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a source tree on the path, or another build of the package
        return "unknown"
