"""A graph in fp32 in which any layers act as in int8, built once for every choice of them.

It is no Q/DQ graph: what int8 does to a value is written out in float operators behind a switch, and weights are
inputs, fed as they are or as their codes restore them. So it tells the sensitivity of fifty layers from one session,
and is what the quantised graph itself is checked against.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import infer_shapes, to_bytes
from edgekit_export.passes import editing
from edgekit_export.precision.layers import (
    WEIGHT,
    Layer,
    Use,
    find_uses,
    list_layers,
    list_possible_uses,
)
from edgekit_export.precision.scales import quantise_weights, restore_weights, scale_of_range

Array = npt.NDArray[Any]

LOWEST_CODE, HIGHEST_CODE = -128, 127
"""Where QuantizeLinear saturates to int8."""


class Simulation:
    """One stage with a choice of layers in int8.

    Args:
        model: The stage in fp32.
        ranges: Range of every tensor that is to be in int8 (see `collect_ranges`).
        answers: See `find_uses`.

    Attributes:
        inputs: Names of the stage's inputs.
        layers: Those that can run in int8, in graph order.
    """

    def __init__(self, model: ir.Model, ranges: Mapping[str, float], *, answers: bool = False) -> None:
        self._answers = answers
        self._plain = infer_shapes(model).graph
        self.inputs = tuple(str(value.name) for value in self._plain.inputs)
        self.layers = tuple(layer for layer in list_layers(self._plain) if not layer.obstacle)
        possible = list_possible_uses(self._plain, answers=answers)
        self._uses = tuple(use for use in possible if use.tensor in ranges)
        self._weights = {layer.name: _weights_of(self._plain, layer) for layer in self.layers}
        self._restored = {layer.name: _restore(self._weights[layer.name], layer) for layer in self.layers}
        self._runner = GraphRunner(
            _add_switches(infer_shapes(model), self._uses, self.layers, ranges), optimise=False
        )

    def run(self, feeds: Mapping[str, Array], layers: Collection[str]) -> dict[str, Array]:
        """Return the outputs with these layers in int8.

        Args:
            feeds: Inputs of the stage by name.
            layers: Names of nodes whose tensors have a range.
        """
        active = set(find_uses(self._plain, layers, answers=self._answers))
        switches = {_switch_name(use): np.array(use in active) for use in self._uses}
        weights = {
            _input_name(name): self._restored[name] if name in layers else plain
            for name, plain in self._weights.items()
        }
        return self._runner.run({**feeds, **switches, **weights})


def _weights_of(graph: ir.Graph, layer: Layer) -> Array:
    node = next(node for node in graph if node.name == layer.name)
    return np.asarray(editing.read_constant(node.inputs[WEIGHT]))


def _restore(weights: Array, layer: Layer) -> Array:
    return restore_weights(*quantise_weights(weights, layer.axis), layer.axis)


def _switch_name(use: Use) -> str:
    return f"{use.node}.{use.index}.int8"


def _input_name(layer: str) -> str:
    return f"{layer}.weights"


def _add_switches(
    model: ir.Model, uses: Collection[Use], layers: Collection[Layer], ranges: Mapping[str, float]
) -> bytes:
    graph = model.graph
    nodes = {str(node.name): node for node in graph}
    low, high = (
        editing.add_constant(graph, f"int8.{name}", np.array(code, np.float32))
        for name, code in (("lowest", LOWEST_CODE), ("highest", HIGHEST_CODE))
    )
    for use in uses:
        scale = editing.add_constant(graph, f"{_switch_name(use)}.scale", scale_of_range(ranges[use.tensor]))
        switch = ir.val(_switch_name(use), ir.DataType.BOOL, ir.Shape([]))
        graph.inputs.append(switch)
        node = nodes[use.node]
        value = node.inputs[use.index]
        if value is not None:
            chosen = _choose(switch, value, scale, low, high)
            graph.insert_before(node, chosen)
            node.replace_input_with(use.index, chosen.outputs[0])
    for layer in layers:
        node = nodes[layer.name]
        weight = node.inputs[WEIGHT]
        if weight is not None:
            fed = ir.val(_input_name(layer.name), ir.DataType.FLOAT, weight.shape)
            graph.inputs.append(fed)
            node.replace_input_with(WEIGHT, fed)
    RemoveUnusedNodesPass()(model)
    return to_bytes(model)


def _choose(switch: ir.Value, value: ir.Value, scale: ir.Value, low: ir.Value, high: ir.Value) -> ir.Node:
    """Return If: the value as int8 keeps it, or as it is; only what is chosen is computed."""
    stem = str(switch.name)
    steps = [ir.node("Div", [value, scale], name=f"{stem}.steps")]
    steps.append(ir.node("Round", steps[-1].outputs, name=f"{stem}.rounded"))
    steps.append(ir.node("Clip", [steps[-1].outputs[0], low, high], name=f"{stem}.clipped"))
    steps.append(ir.node("Mul", [steps[-1].outputs[0], scale], name=f"{stem}.restored"))
    same = [ir.node("Identity", [value], name=f"{stem}.same")]
    branches = {"then_branch": steps, "else_branch": same}
    attributes = {name: _branch(f"{stem}.{name}", nodes, value) for name, nodes in branches.items()}
    chosen = ir.node("If", [switch], attributes, name=f"{stem}.chosen")
    chosen.outputs[0].name = f"{stem}.chosen"
    return chosen


def _branch(name: str, nodes: list[ir.Node], like: ir.Value) -> ir.Graph:
    for node in nodes:
        node.outputs[0].name = node.name
    output = nodes[-1].outputs[0]
    output.type, output.shape = like.type, like.shape
    return ir.Graph([], [output], nodes=nodes, name=name)
