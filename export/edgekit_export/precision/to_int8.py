"""int8: ranges from images, the sensitivity of every layer, and as many layers in int8 as the metric allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgekit_export.building import Built
from edgekit_export.passes import editing
from edgekit_export.passes.base import GraphPass
from edgekit_export.planning import ExportPlan
from edgekit_export.precision.choosing import choose_layers, describe_drop
from edgekit_export.precision.draft import Draft, Measure, carried_of, draft_stages
from edgekit_export.precision.half import HalfBesideInt8
from edgekit_export.precision.kept_layers import ASKED, require_known
from edgekit_export.precision.layers import Layer, list_layers
from edgekit_export.precision.quantise import Quantise
from edgekit_export.precision.ranges import Ranges, collect_ranges
from edgekit_export.precision.sensitivity import measure_sensitivity
from edgekit_export.precision.to_half import HalfPlan, plan_half
from edgekit_runtime.bundle import CalibrationInfo, LayerInfo, LoweringInfo
from edgekit_runtime.bundle.manifest import Precision

Key = tuple[int, str]
"""Number of a stage and name of a layer."""

SENSITIVE = "left for the task metric"


@dataclass(frozen=True)
class _Material:
    """What every choice of layers is made from."""

    plan: ExportPlan
    built: Built
    ranges: Sequence[Ranges]
    sqnr_db: Mapping[Key, float]
    answers: bool
    """Whether layers round what they answer, too (see `Target`)."""
    half: HalfPlan | None
    """What goes to fp16 beside int8; None where the rest stays in fp32."""

    @property
    def cores(self) -> list[ir.Model]:
        return [stage.core for stage in self.built.rewritten]


def lower_to_int8(plan: ExportPlan, built: Built, measure: Measure) -> Draft:
    """Return every stage with as many layers in int8 as the task metric allows.

    Raises:
        UsageProblem: If a layer that is to stay does not exist.
        UnusableInput: If the calibration images cannot be used.
        GateFailed: If the metric drops by more than was allowed whatever is left, or nothing can be quantised.
    """
    kept, calibration = plan.precision.kept, plan.precision.calibration
    assert calibration is not None
    cores = [stage.core for stage in built.rewritten]
    require_known(cores, kept)
    answers = plan.target.answers and not any(map(_has_groups, cores))
    plan.report(f"measuring ranges on {len(calibration.frames)} images")
    ranges = collect_ranges(cores, calibration.frames, method=calibration.method, answers=answers)
    plan.report("measuring the sensitivity of every layer")
    found = measure_sensitivity(cores, ranges, plan.samples, answers=answers)
    material = _Material(
        plan,
        built,
        ranges,
        {(item.stage, item.layer): item.sqnr_db for item in found},
        answers,
        plan_half(built, frozenset()) if plan.target.rest == "fp16" else None,
    )
    order = [(item.stage, item.layer) for item in found if item.layer not in kept]
    before = 1.0 if built.metric is None else built.metric.fp32

    fitting: dict[frozenset[Key], Draft] = {}

    def lose(layers: frozenset[Key]) -> float:
        draft = _draft(material, layers)
        drop = 100 * (before - measure(draft))
        if drop <= plan.precision.max_drop:
            fitting[layers] = draft
        plan.report(f"{len(layers)} of {len(found)} layers in int8: the metric {describe_drop(drop)}")
        return drop

    return fitting[choose_layers(order, lose, plan.precision.max_drop).layers]


def _has_groups(core: ir.Model) -> bool:
    return any(node.op_type == "Conv" and editing.int_attribute(node, "group", 1) > 1 for node in core.graph)


def _draft(material: _Material, layers: frozenset[Key]) -> Draft:
    plan, calibration = material.plan, material.plan.precision.calibration
    assert calibration is not None
    half = material.half

    def make_passes(index: int, core: ir.Model) -> list[GraphPass]:
        own = frozenset(name for stage, name in layers if stage == index)
        passes: list[GraphPass] = [Quantise(material.ranges[index], own, answers=material.answers)]
        if half is not None:
            carried = carried_of(core, half.carried)
            passes.append(HalfBesideInt8(carried=carried, blocked=half.blocked[index]))
        return passes

    info = LoweringInfo(
        plan.target.rest,
        tuple(_describe_layers(material, layers)),
        CalibrationInfo(
            calibration.method, calibration.data, calibration.fingerprint, len(calibration.frames)
        ),
    )
    return draft_stages(
        material.built,
        lambda index, stage: make_passes(index, stage.core),
        info,
        frozenset() if half is None else half.carried,
    )


def _describe_layers(material: _Material, layers: frozenset[Key]) -> Iterator[LayerInfo]:
    """Yield every convolution and matrix product in the order of the graphs, and why it is in its precision."""
    for index, (stage, core) in enumerate(zip(material.built.stages, material.cores, strict=True)):
        for layer in list_layers(core.graph):
            sqnr = material.sqnr_db.get((index, layer.name))
            precision, reason = _say_precision(material, index, layer, layers)
            yield LayerInfo(
                stage.name,
                layer.name,
                layer.operation,
                precision,
                None if sqnr is None else float(np.round(sqnr, 1)),
                reason,
            )


def _say_precision(
    material: _Material, index: int, layer: Layer, layers: frozenset[Key]
) -> tuple[Precision, str]:
    """Return what a layer of a stage computes in, and why not in less."""
    if (index, layer.name) in layers:
        return "int8", ""
    asked = layer.name in material.plan.precision.kept
    reason = layer.obstacle or (ASKED if asked else SENSITIVE)
    wide = () if material.half is None else material.half.kept[index]
    for item in wide:
        if item.name == layer.name:
            return "fp32", f"{reason}; {item.reason}"
    return material.plan.target.rest, reason
