"""The arguments of an export, checked and completed before anything is traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from edgekit_export import argument_checks, tracing
from edgekit_export.exportable import ExportStage, Module, Normalisation
from edgekit_export.precision.calibration_frames import WideFrames, check_calibration_frames
from edgekit_export.precision.request import FP32, PrecisionRequest, check_request
from edgekit_export.rewriting import REWRITES
from edgekit_export.stage_info import describe_input
from edgekit_export.targets import Target, find_target
from edgekit_export.tile_choice import check_tiles
from edgekit_runtime.bundle import InputContract, ModelInfo
from edgekit_runtime.bundle.contract import Fit, GreyFormula
from edgekit_runtime.errors import UsageProblem

Array = npt.NDArray[Any]
Report = Callable[[str], None]


@dataclass(frozen=True)
class ExportPlan:
    """An export that can be carried out.

    Attributes:
        model: The network; it is only ever copied.
        info: What the manifest says about it.
        normalisation: What it was trained with.
        contract: The frames that the bundle will accept; how far the network looks is not known yet.
        overlap: What tiles shall share in pixels; None where that follows from how far the network looks.
        stages: What the network states about its stages.
        samples: Frames of the graph's size and type.
        threshold: Default on the logit; None where the task has none.
        rewrites: Chosen rewrites.
        precision: Of the bundle, and what it may cost.
        target: What the bundle is for.
        report: Receives one line per step.
    """

    model: Module
    info: ModelInfo
    normalisation: Normalisation
    contract: InputContract
    overlap: int | None
    stages: tuple[ExportStage, ...]
    samples: tuple[Array, ...]
    threshold: float | None
    rewrites: frozenset[str]
    precision: PrecisionRequest
    target: Target
    report: Report


def make_plan(
    model: Module,
    info: ModelInfo,
    normalisation: Normalisation,
    *,
    size: tuple[int, int] | None,
    batch: int | None,
    mm_per_pixel: float | None,
    samples: Sequence[Array],
    thresholds: Mapping[str, float],
    rewrites: frozenset[str],
    report: Report,
    fit: Fit = "refuse",
    overlap: int | None = None,
    bits: int = 8,
    grey: GreyFormula = "equal",
    precision: PrecisionRequest = FP32,
    target: str = "any",
) -> ExportPlan:
    """Check the arguments of `export_bundle`; arguments and errors as there."""
    if not tracing.is_exportable(model):
        raise UsageProblem(
            f"A {type(model).__name__} cannot be exported: it is no torch module with `task`, "
            "`export_input()` and `stages()`.",
            remedy="Give it these three; edgekit_export.exportable says what they return.",
        )
    unknown = sorted(rewrites - set(REWRITES))
    if unknown:
        choices = ", ".join(sorted(REWRITES))
        raise UsageProblem(f"There is no rewrite {unknown[0]!r}.", remedy=f"Choose from: {choices}.")
    aim = find_target(target)
    check_request(precision)
    if model.task != info.task:
        raise UsageProblem(
            f"The network's task is {model.task!r}, and it was described as {info.task!r}.",
            remedy="Describe it by its own task.",
        )
    argument_checks.check_batch(batch)
    tracing.check_finite(model)
    export_input, stages = tracing.read_contract(model)
    argument_checks.check_stages(stages, info.task)
    size = size or export_input.default_size
    argument_checks.check_size(size, export_input.multiple)
    check_tiles(fit, overlap, info.task, size, export_input.multiple)
    argument_checks.check_normalisation(normalisation, 1 if export_input.channels == "grey" else 3)
    argument_checks.check_pixels(bits, grey, export_input.channels)
    contract = describe_input(
        export_input,
        normalisation,
        size=size,
        batch=batch,
        mm_per_pixel=mm_per_pixel,
        fit=fit,
        bits=bits,
        grey=grey,
    )
    frames = tuple(argument_checks.check_samples(samples, contract))
    threshold = argument_checks.check_threshold(thresholds, info.task)
    if precision.calibration is not None:
        given, pixels = precision.calibration, contract.pixels
        check_calibration_frames(given.frames, contract.frame_shape, pixels)
        precision = replace(precision, calibration=replace(given, frames=WideFrames(given.frames, pixels)))
    return ExportPlan(
        model,
        info,
        normalisation,
        contract,
        overlap,
        stages,
        frames,
        threshold,
        frozenset(rewrites),
        precision,
        aim,
        report,
    )
