"""Which nodes of a graph compute in fp16, and why the others stay in fp32."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.precision.half_range import find_misfit
from edgekit_export.precision.operator_types import MOVERS, QUANTISERS, WEIGHTED, gives_half, takes_half

_SUM = "ONNX leaves open in what type it adds up, and in fp16 a sum over a map stops growing or overflows"
_STEEP = "it leaves the range of fp16 for arguments that are well inside"
_NORM = "it divides by the root of a variance and an epsilon, which fp16 rounds to few bits or to zero"
_ODDS = "probabilities are compared with thresholds near 1, where fp16 has steps of 1/2048"

PRECISE: Mapping[str, str] = {
    **dict.fromkeys(("Softmax", "LogSoftmax"), _ODDS),
    **dict.fromkeys(("Exp", "Log", "Pow", "Sqrt", "Reciprocal"), _STEEP),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "LayerNormalization"), _NORM),
    **dict.fromkeys(("GroupNormalization", "LpNormalization", "MeanVarianceNormalization"), _NORM),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "GlobalAveragePool", "CumSum"), _SUM),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"), _SUM),
}
"""Operator → why it computes in fp32 wherever it stands."""

FOLLOWING = MOVERS | {
    *("Cast", "Identity", *QUANTISERS, "Shape"),
    *("Abs", "Clip", "LeakyRelu", "Max", "Min", "Neg", "PRelu", "Relu", "Where"),
    *("GlobalMaxPool", "MaxPool", "ReduceMax", "ReduceMin"),
}
"""Operators that move, choose or bend values: in the type of their neighbours they need no casts of their own."""

_OPEN = "it stands between nodes in fp32"
_FRAME = "what comes from a frame or a Softmax is rounded once, before the next convolution or matrix product"
_ASKED = "it is on the block list"
_FORMLESS = "its operator has no fp16 form"


@dataclass(frozen=True)
class Placement:
    """Where every node with float values computes.

    Attributes:
        half: Names of the nodes that compute in fp16.
        kept: Name of each node that stays in fp32 → why.
    """

    half: frozenset[str]
    kept: Mapping[str, str]


@dataclass(frozen=True)
class KeptNode:
    """A node that fp16 was meant for and that stays in fp32."""

    name: str
    operation: str
    reason: str


def place_nodes(graph: ir.Graph, *, blocked: Mapping[str, str], carried: Collection[str]) -> Placement:
    """Decide for every node.

    Args:
        graph: All float values in fp32; the types of all values are known.
        blocked: Names of nodes that stay in fp32 → why; "" where nobody said why.
        carried: Names of graph inputs and outputs that will be fp16.
    """
    quiet, fed = _after_last_weighted(graph), _Untouched(graph)
    half: set[str] = set()
    kept: dict[str, str] = {}
    following: list[ir.Node] = []
    for node in graph:
        name = str(node.name)
        is_fed = fed.visit(node, is_quiet=name in quiet)
        if not any(is_float(value) for value in (*node.inputs, *node.outputs)):
            continue
        reason = blocked[name] or _ASKED if name in blocked else _find_reason(node, is_quiet=name in quiet)
        if is_fed and reason is None:
            reason = _FRAME
        if reason is not None:
            kept[name] = reason
        elif node.op_type in FOLLOWING:
            following.append(node)
        else:
            half.add(name)
    _spread(half, following, carried)
    kept.update({str(node.name): _OPEN for node in following if node.name not in half})
    return Placement(frozenset(half), kept)


def list_kept(graph: ir.Graph, placement: Placement) -> tuple[KeptNode, ...]:
    """Return the convolutions and matrix products that stay in fp32."""
    return tuple(
        KeptNode(str(node.name), node.op_type, placement.kept[str(node.name)])
        for node in graph
        if node.op_type in WEIGHTED and node.name in placement.kept
    )


def is_float(value: ir.Value | None) -> bool:
    """Whether a value is fp32."""
    return value is not None and value.dtype == ir.DataType.FLOAT


def _find_reason(node: ir.Node, *, is_quiet: bool) -> str | None:
    if not gives_half(node) or not any(takes_half(node, index) for index, _ in enumerate(node.inputs)):
        return _FORMLESS
    if _gives_odds(node, is_quiet=is_quiet):
        return _ODDS
    return PRECISE.get(node.op_type) or find_misfit(node)


def _gives_odds(node: ir.Node, *, is_quiet: bool) -> bool:
    # A gate inside the network may be rounded; a Sigmoid that ends it gives probabilities, as a Softmax does.
    return node.op_type in ("Softmax", "LogSoftmax") or (node.op_type == "Sigmoid" and is_quiet)


class _Untouched:
    """Follows what comes from frames and probabilities up to the next convolution or matrix product."""

    def __init__(self, graph: ir.Graph) -> None:
        self._values = {id(value) for value in graph.inputs if not is_float(value)}

    def visit(self, node: ir.Node, *, is_quiet: bool) -> bool:
        """Take the graph's next node and return whether it computes from such values alone."""
        sources = [value for value in node.inputs if value is not None and not value.is_initializer()]
        is_fed = bool(sources) and all(id(value) in self._values for value in sources)
        # What was rounded to int8 cannot lose more: its DequantizeLinear goes by who takes it.
        is_fed = is_fed and node.op_type not in (*WEIGHTED, "DequantizeLinear")
        if is_fed or _gives_odds(node, is_quiet=is_quiet):
            self._values.update(id(value) for value in node.outputs)
        return is_fed


def _after_last_weighted(graph: ir.Graph) -> frozenset[str]:
    """Return the nodes from which no convolution or matrix product is reached."""
    leading: set[str] = set()
    for node in reversed(graph):
        users = [use.node for value in node.outputs for use in value.uses()]
        if any(user.op_type in WEIGHTED or user.name in leading for user in users):
            leading.add(str(node.name))
    return frozenset(str(node.name) for node in graph) - leading


def _spread(half: set[str], following: list[ir.Node], carried: Collection[str]) -> None:
    """Add to `half` each of the nodes that meets fp16, directly or through others of them."""
    waiting = list(following)
    while True:
        met = [node for node in waiting if any(_meets(half, carried, node))]
        if not met:
            return
        half.update(str(node.name) for node in met)
        waiting = [node for node in waiting if node.name not in half]


def _meets(half: set[str], carried: Collection[str], node: ir.Node) -> Iterator[bool]:
    for value in node.inputs:
        if is_float(value) and value is not None and editing.read_constant(value) is None:
            producer = value.producer()
            yield value.name in carried if producer is None else producer.name in half
    for value in node.outputs:
        if is_float(value):
            yield value.is_graph_output() and value.name in carried
            yield any(use.node.name in half for use in value.uses())
