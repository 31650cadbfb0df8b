"""A graph in fp16 as fp32 with every rounding spelt out: what a device that computes in fp16 answers.

ONNX Runtime has few fp16 kernels on a CPU. It widens a node's inputs, rounds what the node gives, and then takes out
each rounding whose result the next node would widen again: between two convolutions nothing is rounded and nothing
overflows. (Observed with 1.31: 1000 · 1000 · 0.001 in fp16 is 1000 there, and infinite on a GPU.) Casts between fp16
and fp32 that stand in the graph it leaves in place.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgekit_export.graph_io import infer_shapes
from edgekit_export.passes import editing
from edgekit_export.precision.operator_types import MOVERS

_HALF, _FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT

UNROUNDED = MOVERS | {"Abs", "Identity", "Max", "MaxPool", "Min", "Neg", "ReduceMax", "ReduceMin", "Relu"}
"""Operators whose results are values that they were given, up to a sign or a zero: nothing to round."""


def spell_out_rounding(model: ir.Model) -> ir.Model:
    """Return a copy that computes in fp32 and rounds every value that was fp16, once, after its node.

    Inputs and outputs keep their types, nodes and values their names; a value is the rounded one. Sums are kept in
    fp32, as tensor cores keep them.

    Args:
        model: All its types are known. Without fp16 in it the copy is the same graph.
    """
    model = infer_shapes(model)
    graph = model.graph
    nodes = list(graph)
    inputs = [value for value in graph.inputs if value.dtype == _HALF]
    for value in list(graph.initializers.values()):
        if value.dtype == _HALF:
            _widen_constant(graph, value)
    for node in nodes:
        for value in list(node.outputs):
            if value.dtype == _HALF:
                _round(graph, node, value)
    for value in inputs:
        _widen_input(graph, value)
    return infer_shapes(model)


def _widen_constant(graph: ir.Graph, value: ir.Value) -> None:
    uses = list(value.uses())
    name, array = str(value.name), np.asarray(editing.read_constant(value), np.float32)
    for use in uses:
        use.node.replace_input_with(use.idx, None)
    graph.initializers.pop(name)
    wide = editing.add_constant(graph, name, array)
    for use in uses:
        use.node.replace_input_with(use.idx, wide)


def _widen_input(graph: ir.Graph, value: ir.Value) -> None:
    users = list(value.uses())
    node = _make_cast(graph, value, _FLOAT, f"{value.name}.wide")
    graph.insert_before(graph[0], node)
    for use in users:
        use.node.replace_input_with(use.idx, node.outputs[0])


def _round(graph: ir.Graph, node: ir.Node, value: ir.Value) -> None:
    """Let the users of a node's value take it rounded, in fp32."""
    name, is_output = str(value.name), value.is_graph_output()
    users = list(value.uses())
    added: list[ir.Node] = []

    def cast(source: ir.Value, to: ir.DataType, suffix: str) -> ir.Value:
        added.append(_make_cast(graph, source, to, f"{name}.{suffix}"))
        return added[-1].outputs[0]

    rounded, wide = value, value
    if node.op_type != "Cast":
        value.dtype = _FLOAT
        if is_output or node.op_type not in UNROUNDED:
            rounded = cast(value, _HALF, "rounded")
    if rounded.dtype == _HALF:
        wide = cast(rounded, _FLOAT, "wide")
    graph.insert_after(node, added)
    for use in users:
        use.node.replace_input_with(use.idx, wide)
    if is_output:
        graph.outputs[graph.outputs.index(value)] = rounded
    _give_name(graph, value, rounded if is_output else wide)


def _give_name(graph: ir.Graph, old: ir.Value, new: ir.Value) -> None:
    if new is not old:
        name = old.name
        old.name = editing.fresh_name(graph, f"{name}.unrounded")
        new.name = name


def _make_cast(graph: ir.Graph, value: ir.Value, to: ir.DataType, name: str) -> ir.Node:
    node = editing.make_node(graph, "Cast", [value], name, {"to": int(to)})
    node.outputs[0].dtype, node.outputs[0].shape = to, value.shape
    return node
