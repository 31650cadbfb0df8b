"""fp16: every stage cast, and what would overflow left in fp32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx_ir as ir

from edgekit_export.building import Built
from edgekit_export.graph_io import infer_shapes
from edgekit_export.planning import ExportPlan
from edgekit_export.precision.draft import Draft, Measure, carried_of, draft_stages, list_carried
from edgekit_export.precision.half import HalfPrecision
from edgekit_export.precision.half_placement import KeptNode, list_kept, place_nodes
from edgekit_export.precision.kept_layers import require_known
from edgekit_export.precision.overflow import find_overflow
from edgekit_runtime.bundle import LayerInfo, LoweringInfo


@dataclass(frozen=True)
class HalfPlan:
    """What does not go to fp16, and what does between the stages.

    Attributes:
        blocked: By stage: name of a node → why it stays in fp32; "" where it was asked to.
        carried: Names of the tensors that one stage hands to the next in fp16.
    """

    blocked: tuple[Mapping[str, str], ...]
    carried: frozenset[str]


def lower_to_half(plan: ExportPlan, built: Built, _measure: Measure) -> Draft:
    """Return every stage in fp16.

    Raises:
        UsageProblem: If a layer that is to stay in fp32 does not exist.
    """
    half = plan_half(built, plan.precision.kept)
    layers = tuple(
        LayerInfo(info.name, item.name, item.operation, "fp32", None, item.reason)
        for info, stage, blocked in zip(built.stages, built.rewritten, half.blocked, strict=True)
        for item in _list_kept(stage.core, blocked, half.carried)
    )
    return draft_stages(
        built,
        lambda index, stage: [
            HalfPrecision(carried=carried_of(stage.core, half.carried), blocked=half.blocked[index])
        ],
        LoweringInfo("fp16", layers, None),
        half.carried,
    )


def plan_half(built: Built, kept: frozenset[str]) -> HalfPlan:
    """Return what stays in fp32: what was asked for, and what is too large for fp16 on the frames of the checks.

    Raises:
        UsageProblem: If a layer that is to stay does not exist.
    """
    cores = [stage.core for stage in built.rewritten]
    require_known(cores, kept)
    found = [find_overflow(stage.core, stage.feeds) for stage in built.rewritten]
    asked = [kept & {str(node.name) for node in core.graph} for core in cores]
    blocked = tuple(
        {**dict.fromkeys(sorted(names), ""), **{item.node: item.reason for item in items}}
        for names, items in zip(asked, found, strict=True)
    )
    too_large = {item.value for items in found for item in items}
    return HalfPlan(blocked, list_carried(built) - too_large)


def _list_kept(core: ir.Model, blocked: Mapping[str, str], carried: frozenset[str]) -> tuple[KeptNode, ...]:
    model = infer_shapes(core)
    placement = place_nodes(model.graph, blocked=blocked, carried=carried_of(core, carried))
    return list_kept(model.graph, placement)
