"""How far a pixel of the answer looks, read from the graphs: what the overlap of tiles is chosen by.

From every pixel of one period of the network's grid, the interval of positions that it depends on is followed back
through the graph, borders left out. Two things count: how far away the frame's pixels lie that it reaches, and how far
it must stand from the border for no map on the way to be asked for a position that it does not have. The second is
what makes a tile differ from the whole frame: there the map goes on, here there is padding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import onnx_ir as ir

from edgekit_export.graph_io import infer_shapes
from edgekit_export.index_maps.base import (
    Indices,
    Reads,
    Unlimited,
    describe_node,
    find_length,
    keep_indices,
    rank_of,
)
from edgekit_export.index_maps.table import find_uneven_input, map_indices
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.tiling import Size, find_largest_overlap

FRAME_AXES = (1, 2)
"""Rows and columns of a frame, (N, H, W) or (N, H, W, C)."""

_SUBGRAPHS = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)

_MAX_PERIOD = 1 << 12
"""Of grids in pixels: none of a real network comes near it, and arrays of this length are cheap."""


@dataclass(frozen=True)
class Reach:
    """How far a pixel of the answer looks.

    Attributes:
        px: At most, in any of the four directions; None where there is no limit, or none is known.
        period: Of the network's grid in pixels: tiles whose offsets are multiples of it meet the same grid.
        reason: Why there is no limit, naming the node; "" where there is one.
    """

    px: int | None
    period: int
    reason: str = ""


def find_reach(graphs: Sequence[ir.Model], axes: Sequence[int] = FRAME_AXES) -> Reach:
    """Return how far the last graph's first output looks in the first graph's first input.

    Args:
        graphs: Every stage in order, in fp32 and before `subpixel`, which reads zeros further away; a stage takes
            outputs of those before it by their names.
        axes: Rows and columns of the first input; a traced graph takes an image, (N, C, H, W), with (2, 3).
    """
    models = [infer_shapes(graph) for graph in graphs]
    try:
        traces = [_trace(models, axis) for axis in axes]
        reaches = [_measure(trace) for trace in traces]
    except Unlimited as error:
        return Reach(None, 1, str(error))
    return Reach(max(reaches), math.lcm(*(trace.period for trace in traces)))


def find_default_overlap(reach: Reach, tile: Size, multiple: int) -> int:
    """Return the least overlap with which tiles answer as the whole frame does, in pixels.

    Neighbours share it by halves, so that it is twice the reach, rounded up to what the network admits.

    Raises:
        UsageProblem: If there is none, or none that tiles of this size may have.
    """
    if reach.px is None:
        raise UsageProblem(
            f"No overlap of tiles makes them answer as the whole frame: {reach.reason}.",
            remedy="Name one that you have judged on your images (--overlap PX), or export for whole frames "
            "(--fit pad).",
        )
    if multiple % reach.period:
        raise UsageProblem(
            f"The network's maps repeat every {reach.period} pixels, and tiles would begin at multiples of {multiple}.",
            remedy=f"Let the network state that its sides are multiples of {math.lcm(multiple, reach.period)}.",
        )
    overlap = -(-2 * reach.px // multiple) * multiple
    if overlap > find_largest_overlap(tile, multiple):
        least = 2 * overlap
        raise UsageProblem(
            f"Tiles of {tile[0]}x{tile[1]} are too small for this network: a pixel of its mask looks {reach.px} pixels "
            f"far, so that neighbours must share {overlap}.",
            remedy=f"Take larger tiles (--size {least}x{least} or more), or a smaller overlap that you have judged on "
            "your images (--overlap PX).",
        )
    return overlap


@dataclass(frozen=True)
class _Place:
    """Where the image lies in a tensor: along which axis, and how many positions it has per pixel of the frame."""

    axis: int
    scale: Fraction


@dataclass(frozen=True)
class _Link:
    """One tensor that another is computed from."""

    source: ir.Value
    target: ir.Value
    reads: Reads


@dataclass(frozen=True)
class _Trace:
    """All that lies between frame and answer along one axis; links in the order in which they are computed."""

    frame: ir.Value
    answer: ir.Value
    places: Mapping[ir.Value, _Place]
    links: tuple[_Link, ...]

    @property
    def period(self) -> int:
        """Pixels after which every map is again at a whole position."""
        return math.lcm(*(place.scale.denominator for place in self.places.values()))


def _trace(models: Sequence[ir.Model], axis: int) -> _Trace:
    frame = models[0].graph.inputs[0]
    places = {frame: _Place(axis, Fraction(1))}
    links: list[_Link] = []
    produced: dict[str | None, ir.Value] = {frame.name: frame}
    for model in models:
        for value in model.graph.inputs:
            if (
                value is not frame and not value.is_initializer() and rank_of(value)
            ):  # a threshold has no axis
                links.append(_enter_stage(value, produced, places))
        for node in model.graph:
            _trace_node(node, places, links)
        produced.update({value.name: value for value in model.graph.outputs})
    answer = models[-1].graph.outputs[0]
    place = places.get(answer)
    if place is None or place.scale != 1 or find_length(answer, place.axis) != find_length(frame, axis):
        raise Unlimited("the answer has no pixel for every pixel of the frame")
    return _Trace(frame, answer, places, tuple(links))


def _enter_stage(
    value: ir.Value, produced: Mapping[str | None, ir.Value], places: dict[ir.Value, _Place]
) -> _Link:
    before = produced.get(value.name)
    if before is None or before not in places:
        raise Unlimited(f"nothing is known of the input {value.name!r}")
    places[value] = places[before]
    return _Link(before, value, keep_indices)


def _trace_node(node: ir.Node, places: dict[ir.Value, _Place], links: list[_Link]) -> None:
    if any(attribute.type in _SUBGRAPHS for attribute in node.attributes.values()):
        raise Unlimited(
            f"{describe_node(node)} holds a graph of its own, which may look at all that is around it"
        )
    carried = {index: value for index, value in enumerate(node.inputs) if value in places}
    found = set()
    for index, value in carried.items():
        place = places[value]
        step = map_indices(node, index, place.axis)
        found.add(_Place(step.axis, place.scale * step.scale))
        links.extend(_Link(value, output, step.reads) for output in node.outputs)
    if not carried:
        return
    uneven = find_uneven_input(node, min(place.axis for place in found), frozenset(carried))
    if len(found) > 1 or uneven is not None:
        raise Unlimited(f"{describe_node(node)} combines the image with what lies on another grid")
    places.update(dict.fromkeys(node.outputs, found.pop()))


def _measure(trace: _Trace) -> int:
    """Return the reach along one axis."""
    period = trace.period
    if period > _MAX_PERIOD:
        raise Unlimited(f"its maps repeat every {period} pixels only")
    pixels = np.arange(period, dtype=np.int64)
    wanted: dict[ir.Value, tuple[Indices, Indices]] = {trace.answer: (pixels, pixels)}
    for link in reversed(trace.links):
        if link.target not in wanted:
            continue
        first, last = link.reads(*wanted[link.target])
        if link.source in wanted:
            known = wanted[link.source]
            first, last = np.minimum(first, known[0]), np.maximum(last, known[1])
        wanted[link.source] = first, last
    size = find_length(trace.frame, trace.places[trace.frame].axis)
    reach = 0
    for value, (first, last) in wanted.items():
        place = trace.places[value]
        length, step = find_length(value, place.axis), int(place.scale * period)
        reach = max(reach, _border_distance(pixels, first, last, length, step, size))
    first, last = wanted[trace.frame]
    return max(reach, int((pixels - first).max()), int((last - pixels).max()))


def _border_distance(
    pixels: Indices, first: Indices, last: Indices, length: int, step: int, size: int
) -> int:
    """Return how many pixels must lie between a pixel and the border for a map to have all that it is asked for.

    Args:
        pixels: Of one period; the pixel a period further asks for positions `step` further.
        first: Position of the map that each asks for.
        last: As `first`.
        length: Of the map.
        step: Positions of the map per period.
        size: Of the frame.
    """
    period = len(pixels)
    last_to_ask_before_begin = pixels + (-(first // step) - 1) * period
    first_to_ask_behind_end = pixels + ((length - 1 - last) // step + 1) * period
    return max(0, int((last_to_ask_before_begin + 1).max()), int((size - first_to_ask_behind_end).max()))
