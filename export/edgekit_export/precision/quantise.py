"""Write int8 into the graph: QuantizeLinear and DequantizeLinear where kernels take them in.

ONNX Runtime's quantiser (1.31) is not used: it puts Q/DQ at both sides of a residual Add, where TensorRT joins one side
into the convolution before, and its public function works on files in a temporary folder and warns on the root logger.
At convolutions its scales and codes are those of this pass, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import PassResult

from edgekit_export.passes import editing
from edgekit_export.passes.base import Array, Feeds, GraphPass, Tolerance, ensure, require
from edgekit_export.precision.layers import DATA, WEIGHT, Layer, Use, find_uses, list_layers
from edgekit_export.precision.scales import Scales, quantise_weights, scale_of_range
from edgekit_export.precision.simulation import Simulation

LEAST_OPSET = 13
"""The first in which DequantizeLinear has an axis."""


class Quantise(GraphPass):
    """Layers compute on int8: each tensor that they read passes one Q/DQ pair, their weights are stored as codes.

    TensorRT takes a pair into the kernels on both of its sides. Everything is symmetric with an explicit zero point 0,
    the only one that TensorRT accepts; biases stay in floating point; nothing stands between a convolution and its
    activation. ONNX Runtime computes such a convolution in floating point, on rounded values: its int8 kernel wants a
    pair between the two as well, which `answers` adds at the cost of one more rounding (1.31 with VNNI: U-Net 3 times
    as fast as in fp32 and ResNet-50 1.4 times, but depthwise convolutions slower, CheapNet-M by 2.4 times).

    Args:
        ranges: Largest magnitude by tensor (see `collect_ranges`).
        layers: Names of the nodes that become int8.
        answers: See `find_uses`.
    """

    name: ClassVar[str] = "quantise"
    changes: ClassVar[str] = (
        "Stores the weights of the chosen layers in int8 and rounds what they read to int8."
    )
    tolerance: ClassVar[Tolerance] = Tolerance(
        1 / 128,
        "the outputs are compared not with those in fp32 but with a simulation of int8 in float operators on the same "
        "scales, which on x86 gives the same bits; a division rounded otherwise moves a value by one of 127 steps",
    )

    def __init__(
        self, ranges: Mapping[str, float], layers: Collection[str], *, answers: bool = False
    ) -> None:
        self._answers = answers
        self._ranges = dict(ranges)
        self._layers = frozenset(layers)
        self._simulation: Simulation | None = None
        self._uses: tuple[Use, ...] = ()
        self._chosen: tuple[Layer, ...] = ()

    def requires(self, model: ir.Model) -> None:
        """Opset 13 or later, every layer able to run in int8, a range for every tensor, no Q/DQ yet."""
        graph = model.graph
        opset = graph.opset_imports.get("", 0)
        require(opset >= LEAST_OPSET, f"it is in opset {opset}, and int8 needs {LEAST_OPSET}")
        known = {layer.name: layer.obstacle for layer in list_layers(graph)}
        for name in sorted(self._layers):
            require(name in known, f"there is no convolution or matrix product {name!r}")
            require(not known[name], f"{name} cannot run in int8: {known[name]}")
        uses = find_uses(graph, self._layers, answers=self._answers)
        missing = sorted({use.tensor for use in uses} - self._ranges.keys())
        require(not missing, f"no range was measured for {', '.join(missing)}")
        present = [str(node.name) for node in graph if node.op_type in _PAIR]
        require(not present, f"it is quantised already: {', '.join(present[:3])}")

    def call(self, model: ir.Model) -> PassResult:
        """Note what is to be done, and what it must come to, then do it."""
        self._uses = find_uses(model.graph, self._layers, answers=self._answers)
        self._chosen = tuple(layer for layer in list_layers(model.graph) if layer.name in self._layers)
        self._simulation = Simulation(model, self._ranges, answers=self._answers) if self._uses else None
        return super().call(model)

    def rewrite(self, graph: ir.Graph) -> bool:
        """Insert a pair for each tensor, and codes for the weights of each layer."""
        nodes = {str(node.name): node for node in graph}
        pairs: dict[str, ir.Value] = {}
        for use in self._uses:
            value = nodes[use.node].inputs[use.index]
            if value is not None and use.tensor not in pairs:
                pairs[use.tensor] = _add_pair(graph, value, scale_of_range(self._ranges[use.tensor]))
        for use in self._uses:
            nodes[use.node].replace_input_with(use.index, pairs[use.tensor])
        codes: dict[tuple[str, int], ir.Value] = {}
        for layer in self._chosen:
            _store_codes(graph, nodes[layer.name], layer.axis, codes)
        return bool(self._uses)

    def ensures(self, model: ir.Model) -> None:
        """Every input that was to be int8 is, by a pair of its own tensor; every weight of a layer is int8; no more."""
        graph = model.graph
        nodes = {str(node.name): node for node in graph}
        for use in self._uses:
            _ensure_pair(nodes[use.node].inputs[use.index], use, scale_of_range(self._ranges[use.tensor]))
        for layer in self._chosen:
            _ensure_codes(nodes[layer.name], layer.axis)
        wanted = {(use.node, use.index) for use in self._uses}
        wanted |= {(layer.name, WEIGHT) for layer in self._chosen}
        found = {
            (str(use.node.name), use.idx)
            for node in graph
            if node.op_type == "DequantizeLinear"
            for use in node.outputs[0].uses()
        }
        beyond = sorted(found - wanted)
        ensure(not beyond, f"int8 reaches {', '.join(f'input {index} of {node}' for node, index in beyond)}")
        sources = [node.inputs[0] for node in graph if node.op_type == "QuantizeLinear"]
        ensure(len(sources) == len({use.tensor for use in self._uses}), "a tensor has more than one pair")

    def expected(self, outputs: Feeds, feeds: Feeds) -> Feeds:
        """Simulate int8 in float operators; without layers nothing changes."""
        return outputs if self._simulation is None else self._simulation.run(feeds, self._layers)


_PAIR = ("QuantizeLinear", "DequantizeLinear")


def _add_pair(graph: ir.Graph, value: ir.Value, scale: Scales) -> ir.Value:
    stem = str(value.name)
    constants = [
        editing.add_constant(graph, f"{stem}.scale", scale),
        editing.add_constant(graph, f"{stem}.zero", np.array(0, np.int8)),
    ]
    quantise = editing.make_node(graph, "QuantizeLinear", [value, *constants], f"{stem}.quantise")
    restore = editing.make_node(
        graph, "DequantizeLinear", [quantise.outputs[0], *constants], f"{stem}.dequantise"
    )
    producer = value.producer()
    if producer is None:
        graph.insert_before(graph[0], [quantise, restore])
    else:
        graph.insert_after(producer, [quantise, restore])
    return restore.outputs[0]


def _store_codes(graph: ir.Graph, node: ir.Node, axis: int, stored: dict[tuple[str, int], ir.Value]) -> None:
    """Give a node its weights as codes; tied weights are stored once."""
    weight = node.inputs[WEIGHT]
    stem = str(weight.name) if weight is not None else ""
    restored = stored.get((stem, axis))
    if restored is None:
        codes, scales = quantise_weights(np.asarray(editing.read_constant(weight)), axis)
        constants = [
            editing.add_constant(graph, f"{stem}.{name}", array)
            for name, array in (("int8", codes), ("scale", scales), ("zero", np.zeros(scales.shape, np.int8)))
        ]
        restore = editing.make_node(
            graph, "DequantizeLinear", constants, f"{stem}.dequantise", {"axis": axis}
        )
        graph.insert_before(node, restore)
        restored = stored[stem, axis] = restore.outputs[0]
    node.replace_input_with(WEIGHT, restored)
    if weight is not None and not weight.uses() and not weight.is_graph_output():
        graph.initializers.pop(stem)


def _ensure_pair(value: ir.Value | None, use: Use, scale: Scales) -> None:
    where = f"input {use.index} of {use.node}"
    restore = _producer(value, "DequantizeLinear")
    quantise = _producer(restore.inputs[DATA] if restore is not None else None, "QuantizeLinear")
    source = quantise.inputs[DATA] if quantise is not None else None
    ensure(source is not None and source.name == use.tensor, f"{where} is not {use.tensor!r} in int8")
    for node in (quantise, restore):
        if node is not None:
            found, zero = (editing.read_constant(value) for value in node.inputs[1:3])
            ensure(found is not None and np.array_equal(found, scale), f"{where} has another scale")
            _ensure_zero(zero, (), where)


def _ensure_codes(node: ir.Node, axis: int) -> None:
    restore = _producer(node.inputs[WEIGHT], "DequantizeLinear")
    codes = editing.read_constant(restore.inputs[DATA]) if restore is not None else None
    stored = codes is not None and codes.dtype == np.int8
    ensure(stored, f"the weights of {node.name} are not stored in int8")
    if restore is not None and codes is not None:
        scales, zero = (editing.read_constant(value) for value in restore.inputs[1:3])
        channels = (codes.shape[axis],)
        per_channel = scales is not None and scales.shape == channels
        along = editing.int_attribute(restore, "axis", 1) == axis
        ensure(per_channel and along, f"the weights of {node.name} have no scale per output channel")
        _ensure_zero(zero, channels, f"the weights of {node.name}")


def _ensure_zero(zero: Array | None, shape: tuple[int, ...], where: str) -> None:
    plain = zero is not None and zero.dtype == np.int8 and zero.shape == shape and not zero.any()
    ensure(plain, f"the zero point of {where} is not an int8 0")


def _producer(value: ir.Value | None, op: str) -> ir.Node | None:
    producer = value.producer() if value is not None else None
    return producer if producer is not None and producer.op_type == op else None
