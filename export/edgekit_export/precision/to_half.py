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
from edgekit_export.precision.kept_layers import ASKED, require_known
from edgekit_export.precision.overflow import find_overflow
from edgekit_runtime.bundle import LayerInfo, LoweringInfo


@dataclass(frozen=True)
class HalfPlan:
    """What does not go to fp16, and what does between the stages.

    Attributes:
        blocked: By stage: name of a node → why it stays in fp32.
        kept: By stage: the convolutions and matrix products that stay in fp32, for that or another reason.
        carried: Names of the tensors that one stage hands to the next in fp16.
    """

    blocked: tuple[Mapping[str, str], ...]
    kept: tuple[tuple[KeptNode, ...], ...]
    carried: frozenset[str]


def lower_to_half(plan: ExportPlan, built: Built, _measure: Measure) -> Draft:
    """Return every stage in fp16.

    Raises:
        UsageProblem: If a layer that is to stay in fp32 does not exist.
    """
    require_known([stage.core for stage in built.rewritten], plan.precision.kept)
    half = plan_half(built, plan.precision.kept)
    layers = tuple(
        LayerInfo(info.name, item.name, item.operation, "fp32", None, item.reason)
        for info, kept in zip(built.stages, half.kept, strict=True)
        for item in kept
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
    """Return what stays in fp32: the nodes of these names, and what does not fit into fp16.

    How large values become is seen on the frames of the checks.
    """
    cores = [stage.core for stage in built.rewritten]
    found = [find_overflow(stage.core, stage.feeds) for stage in built.rewritten]
    asked = [kept & {str(node.name) for node in core.graph} for core in cores]
    blocked = tuple(
        {**dict.fromkeys(sorted(names), ASKED), **{item.node: item.reason for item in items}}
        for names, items in zip(asked, found, strict=True)
    )
    carried = list_carried(built) - {item.value for items in found for item in items}
    listed = (_list_kept(core, names, carried) for core, names in zip(cores, blocked, strict=True))
    return HalfPlan(blocked, tuple(listed), carried)


def _list_kept(core: ir.Model, blocked: Mapping[str, str], carried: frozenset[str]) -> tuple[KeptNode, ...]:
    model = infer_shapes(core)
    placement = place_nodes(model.graph, blocked=blocked, carried=carried_of(core, carried))
    return list_kept(model.graph, placement)
