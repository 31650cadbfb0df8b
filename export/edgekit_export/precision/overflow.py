"""Find what fp16 cannot hold by running the graph: nothing else says how large inner values become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes import editing
from edgekit_export.passes.base import Feeds
from edgekit_export.precision.half_range import LARGEST_HALF
from edgekit_export.precision.half_rounding import spell_out_rounding

_HALF = ir.DataType.FLOAT16

HEADROOM = 8.0
"""How much larger a value may be on frames that nobody has shown. On six networks white noise and a chessboard, the
hardest frames for a convolution, made inner values up to 7.3 times as large as a smooth texture did."""

_REDUCTIONS = ("ReduceMax", "ReduceMin", "ReduceSumSquare")
"""ONNX Runtime's maximum (1.31) passes over a NaN that is not the first value; a sum does not."""


@dataclass(frozen=True)
class Overflow:
    """A node that has to compute in fp32.

    Attributes:
        node: Its name.
        value: The value that it gives or takes and that is too large: where this is carried between stages, it has
            to be carried in fp32.
        largest: Its largest magnitude; infinite where it was not finite.
    """

    node: str
    value: str
    largest: float

    @property
    def reason(self) -> str:
        """Why it stays in fp32, for the block list."""
        return f"{self.value} reaches {self.largest:.3g}, and fp16 holds {LARGEST_HALF:g}"


def find_overflow(model: ir.Model, feeds: Feeds, *, headroom: float = HEADROOM) -> tuple[Overflow, ...]:
    """Return every node that gives or takes a value too large for fp16, in the order of the graph.

    A graph in fp32 is searched for all its float values, one in fp16 for its fp16 values, rounded one by one as a
    device rounds them (`spell_out_rounding`): there infinity is what remains of a value that was too large.

    Args:
        model: The graph.
        feeds: Its inputs.
        headroom: How many times larger other frames may make a value.
    """
    model = infer_shapes(model)
    candidates = _list_candidates(model)
    ranges = measure_largest(spell_out_rounding(model), feeds, frozenset(candidates))
    found: dict[str, Overflow] = {}
    for name, value in candidates.items():
        largest = ranges[name]
        if largest * headroom > LARGEST_HALF:
            for node in _touching(value):
                found.setdefault(str(node.name), Overflow(str(node.name), name, largest))
    return tuple(found[str(node.name)] for node in model.graph if node.name in found)


def measure_largest(model: ir.Model, feeds: Feeds, names: frozenset[str]) -> Mapping[str, float]:
    """Return the largest magnitude of each named value; infinite where it is not finite.

    The graph itself reduces every value to three numbers, so that no map outlives its last user.

    Args:
        model: The graph; it is not changed.
        feeds: Its inputs.
        names: Values that are fp32 or fp16.
    """
    model = model.clone()
    graph = model.graph
    values = [value for value in _list_values(graph) if value.name in names]
    ends = {
        str(value.name): tuple(_reduce(graph, value, operator) for operator in _REDUCTIONS)
        for value in values
    }
    graph.outputs.extend(end for three in ends.values() for end in three)
    answers = GraphRunner(to_bytes(model), optimise=False).run(feeds)
    return {name: _largest(*(answers[str(end.name)] for end in three)) for name, three in ends.items()}


def _reduce(graph: ir.Graph, value: ir.Value, operator: str) -> ir.Value:
    node = editing.make_node(graph, operator, [value], f"{value.name}.{operator}", {"keepdims": 0})
    graph.append(node)
    end = node.outputs[0]
    end.type, end.shape = value.type, ir.Shape([])
    return end


def _largest(high: np.ndarray, low: np.ndarray, power: np.ndarray) -> float:
    largest = max(float(high), -float(low))
    return largest if np.isfinite(largest) and not np.isnan(power) else float("inf")


def _list_candidates(model: ir.Model) -> dict[str, ir.Value]:
    """Return the values that are fp16, or will be: by name, in the order of the graph."""
    values = _list_values(model.graph)
    half = [value for value in values if value.dtype == _HALF]
    return {str(value.name): value for value in half or values if value.dtype in (_HALF, ir.DataType.FLOAT)}


def _list_values(graph: ir.Graph) -> list[ir.Value]:
    return [*graph.inputs, *(value for node in graph for value in node.outputs)]


def _touching(value: ir.Value) -> list[ir.Node]:
    """Return who gives and who takes the value; casts are not a network's own, and vanish with their reason."""
    producer = value.producer()
    nodes = [producer] if producer is not None else []
    nodes += [use.node for use in value.uses()]
    return [node for node in nodes if node.op_type != "Cast"]
