"""Look at inner values of a graph, a part of them at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import from_bytes, infer_shapes, to_bytes

Array = npt.NDArray[Any]

MOST_BYTES = 1 << 28
"""Of the values that one run returns. A single one may be larger: wide networks have maps of a gigabyte."""


class Probe:
    """A graph that answers its outputs and inner values, in several runs where they are large.

    Args:
        model: Of which nothing is changed.
        tensors: Names of values to look at: inputs, outputs or inner ones.
        most_bytes: Of the values that are held at once.
    """

    def __init__(self, model: ir.Model, tensors: Collection[str], *, most_bytes: int = MOST_BYTES) -> None:
        model = infer_shapes(model)
        self.inputs = tuple(str(value.name) for value in model.graph.inputs)
        self.outputs = tuple(str(value.name) for value in model.graph.outputs)
        values = {value.name: value for node in model.graph for value in node.outputs}
        self._tensors = frozenset(tensors)
        # In the graph's order: which values are looked at together may change last bits, and a set has no order.
        inner = [(str(name), _count_bytes(value)) for name, value in values.items() if name in self._tensors]
        data = to_bytes(model)
        parts = [
            [*self.outputs],
            *_split([item for item in inner if item[0] not in self.outputs], most_bytes),
        ]
        self._runners = [GraphRunner(_answer_only(data, names), optimise=True) for names in parts]

    def run(self, feeds: Mapping[str, Array]) -> Iterator[tuple[dict[str, Array], dict[str, Array]]]:
        """Yield (outputs, values to look at) of one run after the other; outputs come with the first alone."""
        for index, runner in enumerate(self._runners):
            found = runner.run(feeds)
            if index == 0:
                seen = {name: array for name, array in {**feeds, **found}.items() if name in self._tensors}
                yield found, seen
            else:
                yield {}, found


def count_rows(first: ir.Model) -> int:
    """Return the frames of a run, given the first stage: 1 where the batch is dynamic."""
    rows = next(iter(first.graph.inputs[0].shape or (1,)))
    return rows if isinstance(rows, int) else 1


def _split(tensors: Sequence[tuple[str, int]], most_bytes: int) -> list[list[str]]:
    parts: list[list[str]] = []
    held = most_bytes
    for name, size in tensors:
        if held + size > most_bytes:
            parts.append([])
            held = 0
        parts[-1].append(name)
        held += size
    return parts


def _count_bytes(value: ir.Value) -> int:
    """Return the bytes of one row of the batch; float32 where nothing else is said."""
    sizes = [size if isinstance(size, int) else 1 for size in value.shape or ()]
    return 4 * math.prod(sizes)


def _answer_only(data: bytes, names: Sequence[str]) -> bytes:
    """Return the graph with these values as its outputs, without what they do not need."""
    model = from_bytes(data)
    graph = model.graph
    values = {value.name: value for node in graph for value in node.outputs}
    graph.outputs[:] = [values[name] for name in names]
    RemoveUnusedNodesPass()(model)
    return to_bytes(model)
