"""Fold the normalisation of the frame into the first convolutions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import ROUNDING, GraphPass, Tolerance, as_float32, ensure, require
from edgekit_export.passes.names import FRAME

LAYOUT = ("Cast", "Unsqueeze", "Transpose")
ARITHMETIC = ("Div", "Sub", "Div")


@dataclass(frozen=True)
class _Chain:
    """x = (frame / scale − mean) / std = (frame − shift) · factor."""

    source: ir.Value
    nodes: tuple[ir.Node, ...]
    shift: np.ndarray
    factor: np.ndarray

    @property
    def result(self) -> ir.Value:
        return self.nodes[-1].outputs[0]


class FoldNormalisation(GraphPass):
    """x = (frame − mean·scale) / (scale·std): the factor moves into the weights.

    The shift moves into the bias only where the convolution does not pad. Padding puts zeros around the
    normalised image, which is the grey value mean·scale around the frame; with the shift in the bias the
    border would see black instead. There it stays as one subtraction.

    Pixels deeper than 8 bits are first brought to the range of 8, by a power of two, which rounds nothing: fp16 ends at
    65504, and weights for values up to there would be below its smallest normal number.

    Args:
        bits: Depth of the pixels.
    """

    name: ClassVar[str] = "fold_normalisation"
    changes: ClassVar[str] = (
        "Moves 1/(scale·std) into the first weights, and the mean into one Sub or the bias."
    )
    tolerance: ClassVar[Tolerance] = ROUNDING

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        self.shrink = 2.0 ** min(0, 8 - bits)

    def requires(self, model: ir.Model) -> None:
        """The frame is normalised by the chain that `frame_input` adds."""
        require(
            _find_chain(model.graph) is not None,
            f"{FRAME!r} must be divided, centred and divided by constants",
        )

    def ensures(self, model: ir.Model) -> None:
        """The chain is gone, and where convolutions take the frame at most one Sub stands before them."""
        ensure(_find_chain(model.graph) is None, "the normalisation is still there")
        value = _end_of_layout(model.graph)
        ensure(value is not None, "the frame's layout is gone")
        if self.shrink != 1 and value is not None:
            node = editing.only_consumer(value)
            ensure(node is not None and node.op_type == "Mul", "deep pixels are not brought to 8 bits first")
            value = None if node is None else node.outputs[0]
        subtractions = (
            [use.node for use in value.uses() if use.node.op_type == "Sub"] if value is not None else []
        )
        ensure(len(subtractions) <= 1, "more than one subtraction is left")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Fold into every convolution that takes the image; other users get one Sub and one Mul."""
        chain = _find_chain(graph)
        if chain is None:
            return False
        if self.shrink != 1:
            chain = _shrink(graph, chain, self.shrink)
        plain = [node for node in _users(chain.result) if _folds(node, chain.result)]
        centred: ir.Value | None = None
        for conv in plain:
            if not np.any(chain.shift) or not _pads(conv):
                _fold(graph, conv, chain, with_shift=True)
                conv.replace_input_with(0, chain.source)
            else:
                centred = centred or _subtract(graph, chain)
                _fold(graph, conv, chain, with_shift=False)
                conv.replace_input_with(0, centred)
        if chain.result.uses() or chain.result.is_graph_output():
            centred = centred or _subtract(graph, chain)
            factor = editing.add_constant(graph, f"{FRAME}.factor", as_float32(chain.factor))
            scaled = editing.make_node(graph, "Mul", [centred, factor], f"{FRAME}.rescaled")
            graph.insert_after(centred.producer() or chain.nodes[-1], scaled)
            editing.replace_value(graph, chain.result, scaled.outputs[0])
        for node in reversed(chain.nodes):
            graph.remove(node, safe=True)
        return True


def _shrink(graph: ir.Graph, chain: _Chain, by: float) -> _Chain:
    """Return the chain as it is behind a product with a power of two."""
    power = editing.add_constant(graph, f"{FRAME}.power", as_float32(np.array(by)))
    node = editing.make_node(graph, "Mul", [chain.source, power], f"{FRAME}.shrunk")
    graph.insert_before(chain.nodes[0], node)
    return replace(chain, source=node.outputs[0], shift=chain.shift * by, factor=chain.factor / by)


def _users(value: ir.Value) -> list[ir.Node]:
    """Return the nodes that use the value, each once, in the order of the graph."""
    users = {id(use.node) for use in value.uses()}
    producer = value.producer()
    graph = producer.graph if producer is not None else None
    return [node for node in graph or () if id(node) in users]


def _end_of_layout(graph: ir.Graph) -> ir.Value | None:
    value = next((item for item in graph.inputs if item.name == FRAME), None)
    while value is not None:
        node = editing.only_consumer(value)
        if node is None or node.op_type not in LAYOUT:
            return value
        value = node.outputs[0]
    return None


def _find_chain(graph: ir.Graph) -> _Chain | None:
    source = _end_of_layout(graph)
    if source is None:
        return None
    nodes: list[ir.Node] = []
    numbers: list[np.ndarray] = []
    value = source
    for op in ARITHMETIC:
        node = editing.only_consumer(value)
        if node is None or node.op_type != op or node.inputs[0] is not value:
            return None
        number = editing.read_constant(node.inputs[1])
        if number is None:
            return None
        nodes.append(node)
        numbers.append(np.asarray(number, np.float64).reshape(1, -1, 1, 1))
        value = node.outputs[0]
    scale, mean, std = numbers
    return _Chain(source, tuple(nodes), shift=mean * scale, factor=1.0 / (scale * std))


def _folds(node: ir.Node, image: ir.Value) -> bool:
    constants = list(node.inputs[1:3])
    return (
        node.op_type == "Conv"
        and node.inputs[0] is image
        and image not in constants
        and all(value is None or editing.read_constant(value) is not None for value in constants)
    )


def _pads(conv: ir.Node) -> bool:
    automatic = editing.string_attribute(conv, "auto_pad", "NOTSET")
    return automatic not in ("NOTSET", "VALID") or any(editing.ints_attribute(conv, "pads", ()))


def _subtract(graph: ir.Graph, chain: _Chain) -> ir.Value:
    shift = editing.add_constant(graph, f"{FRAME}.shift", as_float32(chain.shift))
    node = editing.make_node(graph, "Sub", [chain.source, shift], f"{FRAME}.shifted")
    graph.insert_after(chain.nodes[-1], node)
    return node.outputs[0]


def _fold(graph: ir.Graph, conv: ir.Node, chain: _Chain, *, with_shift: bool) -> None:
    weight = np.asarray(editing.read_constant(conv.inputs[1]), np.float64)
    outputs, share = weight.shape[:2]
    groups = editing.int_attribute(conv, "group", 1)
    # Output channel o of group g meets the input channels g·share, …: pick each weight's own factor and
    # shift.
    group_of = np.arange(outputs) // (outputs // groups)
    channel = group_of[:, None] * share + np.arange(share)[None, :]
    factor = np.broadcast_to(chain.factor.reshape(-1), (groups * share,))[channel][:, :, None, None]
    shift = np.broadcast_to(chain.shift.reshape(-1), (groups * share,))[channel][:, :, None, None]
    scaled = weight * factor
    editing.replace_constant(graph, conv, 1, as_float32(scaled), fallback=f"{conv.name}.weight")
    if with_shift and np.any(shift):
        conv.resize_inputs(3)
        old = editing.read_constant(conv.inputs[2])
        bias = -(scaled * shift).sum(axis=(1, 2, 3)) + (0.0 if old is None else np.asarray(old, np.float64))
        editing.replace_constant(graph, conv, 2, as_float32(bias), fallback=f"{conv.name}.bias")
