"""fp16: every stage cast, and what would overflow left in fp32."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as ir

from edgekit_export.building import Built
from edgekit_export.graph_io import infer_shapes
from edgekit_export.planning import ExportPlan
from edgekit_export.precision.draft import Draft, Measure, carried_of, draft_stages, list_carried
from edgekit_export.precision.half import HalfPrecision
from edgekit_export.precision.half_placement import KeptNode, list_kept, place_nodes
from edgekit_export.precision.kept_layers import require_known
from edgekit_export.precision.overflow import find_overflow
from edgekit_export.rewriting import RewrittenStage
from edgekit_runtime.bundle import LayerInfo, LoweringInfo


def lower_to_half(plan: ExportPlan, built: Built, _measure: Measure) -> Draft:
    """Return every stage in fp16.

    Raises:
        UsageProblem: If a layer that is to stay in fp32 does not exist.
    """
    cores = [stage.core for stage in built.rewritten]
    require_known(cores, plan.precision.kept)
    carried = list_carried(built)
    blocked = [find_blocked(stage, plan.precision.kept) for stage in built.rewritten]
    layers = tuple(
        LayerInfo(info.name, item.name, item.operation, "fp32", None, item.reason)
        for info, core, reasons in zip(built.stages, cores, blocked, strict=True)
        for item in _list_kept(core, reasons, carried)
    )
    return draft_stages(
        built,
        lambda index, stage: [HalfPrecision(carried=carried_of(stage.core, carried), blocked=blocked[index])],
        LoweringInfo("fp16", layers, None),
    )


def find_blocked(stage: RewrittenStage, kept: frozenset[str]) -> dict[str, str]:
    """Return the nodes that stay in fp32, and why: those that were asked for, and those that overflow."""
    names = {str(node.name) for node in stage.core.graph}
    found = {item.node: item.reason for item in find_overflow(stage.core, stage.feeds)}
    return {**dict.fromkeys(sorted(kept & names), ""), **found}


def _list_kept(core: ir.Model, blocked: Mapping[str, str], carried: frozenset[str]) -> tuple[KeptNode, ...]:
    model = infer_shapes(core)
    placement = place_nodes(model.graph, blocked=blocked, carried=carried_of(core, carried))
    return list_kept(model.graph, placement)
