"""Graphs in a lower precision before anybody has judged them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import onnx_ir as ir

from edgekit_export.building import Built
from edgekit_export.graph_io import count_weight_bytes, to_bytes
from edgekit_export.passes.base import Feeds, GraphPass
from edgekit_export.precision.half_range import to_half
from edgekit_export.precision.half_rounding import spell_out_rounding
from edgekit_export.rewriting import RewrittenStage
from edgekit_runtime.bundle import LoweringInfo


@dataclass(frozen=True)
class Draft:
    """Every stage in a lower precision.

    Attributes:
        graphs: ONNX bytes.
        judged: The same graphs as a device answers that computes in fp16: ONNX Runtime leaves roundings out.
        weight_bytes: Bytes of all initialisers, by stage.
        info: What the manifest will say.
        carried: Names of the tensors that go from stage to stage in fp16.
    """

    graphs: tuple[bytes, ...] = field(repr=False)
    judged: tuple[bytes, ...] = field(repr=False)
    weight_bytes: tuple[int, ...]
    info: LoweringInfo
    carried: frozenset[str]


Measure = Callable[[Draft], float]
"""Task metric of a draft, from 0 to 1."""

MakePasses = Callable[[int, RewrittenStage], Sequence[GraphPass]]
"""Number of a stage and the stage → what lowers it."""


def draft_stages(
    built: Built, make_passes: MakePasses, info: LoweringInfo, carried: frozenset[str] = frozenset()
) -> Draft:
    """Lower every stage by passes of its own; the driver verifies each.

    Args:
        built: The graphs in fp32.
        make_passes: See `MakePasses`.
        info: What the manifest will say.
        carried: Names of the tensors that go from stage to stage in fp16.
    """
    models = [
        stage.finish(make_passes(index, stage), narrow_feeds(stage.feeds, carried))
        for index, stage in enumerate(built.rewritten)
    ]
    graphs = tuple(map(to_bytes, models))
    judged = graphs
    if info.rest == "fp16":
        judged = tuple(to_bytes(spell_out_rounding(model)) for model in models)
    return Draft(graphs, judged, tuple(map(count_weight_bytes, models)), info, carried)


def list_carried(built: Built) -> frozenset[str]:
    """Return the names of the tensors that one stage hands to the next."""
    return frozenset(name for stage in built.stages for name in stage.carries)


def carried_of(model: ir.Model, carried: frozenset[str]) -> frozenset[str]:
    """Return those that a graph takes or gives."""
    return carried & {str(value.name) for value in (*model.graph.inputs, *model.graph.outputs)}


def narrow_feeds(feeds: Feeds, carried: frozenset[str]) -> Feeds:
    """Return the feeds with the carried tensors in fp16, as a stage before gives them."""
    return {name: to_half(array) if name in carried else array for name, array in feeds.items()}
