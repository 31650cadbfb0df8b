"""Small edits of an onnx_ir graph that several passes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

Array = npt.NDArray[Any]


def read_constant(value: ir.Value | None) -> Array | None:
    """Return the array of an initialiser that no caller can override, else None."""
    if value is None or not value.is_initializer() or value.is_graph_input() or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())


def only_consumer(value: ir.Value) -> ir.Node | None:
    """Return the node that alone uses the value; None where it has several uses or is a graph output."""
    uses = list(value.uses())
    if value.is_graph_output() or len(uses) != 1:
        return None
    return uses[0].node


def fresh_name(graph: ir.Graph, base: str) -> str:
    """Return the base name, or the first of base_1, base_2, … that no value or node of the graph has."""
    taken = {value.name for value in (*graph.inputs, *graph.initializers.values())}
    for node in graph:
        taken.add(node.name)
        taken.update(value.name for value in node.outputs)
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name


def add_constant(graph: ir.Graph, name: str, array: Array) -> ir.Value:
    """Register an initialiser under a name like the given one."""
    name = fresh_name(graph, name)
    # Not ascontiguousarray, which turns a scalar into an array of one: TensorRT takes no such scale into int8 kernels.
    value = ir.val(name, const_value=ir.tensor(np.asarray(array, order="C"), name=name))
    graph.register_initializer(value)
    return value


def replace_constant(graph: ir.Graph, node: ir.Node, index: int, array: Array, *, fallback: str) -> None:
    """Give a node another constant input, under the old name or, where others still use it, under `fallback`.

    The old initialiser is never changed in place, because tied weights may feed several nodes.
    """
    old = node.inputs[index]
    node.replace_input_with(index, None)
    name = fallback
    if old is not None and old.name is not None and not old.uses() and not old.is_graph_output():
        name = old.name
        graph.initializers.pop(name)
    node.replace_input_with(index, add_constant(graph, name, array))


def make_node(
    graph: ir.Graph,
    op: str,
    inputs: Sequence[ir.Value | None],
    name: str,
    attributes: Mapping[str, Any] | None = None,
) -> ir.Node:
    """Return a new node with one output of its own name; the caller inserts it."""
    name = fresh_name(graph, name)
    node = ir.node(op, inputs, attributes or {}, name=name)
    node.outputs[0].name = name
    return node


def output_of(node: ir.Node) -> ir.Value:
    """Return the node's first output."""
    return node.outputs[0]


def replace_value(graph: ir.Graph, old: ir.Value, new: ir.Value) -> None:
    """Let every user of `old`, the graph's outputs included, take `new`; outputs keep name and shape."""
    for index, value in enumerate(list(graph.outputs)):
        if value is old:
            name, old.name = old.name, None
            graph.outputs[index] = new
            new.name, new.shape, new.type = name, old.shape, old.type
    ir.convenience.replace_all_uses_with([old], [new])


def ints_attribute(node: ir.Node, name: str, default: Sequence[int]) -> tuple[int, ...]:
    """Return an attribute that is a list of integers."""
    attribute = node.attributes.get(name)
    return tuple(int(item) for item in attribute.as_ints()) if attribute is not None else tuple(default)


def int_attribute(node: ir.Node, name: str, default: int) -> int:
    """Return an integer attribute."""
    attribute = node.attributes.get(name)
    return int(attribute.as_int()) if attribute is not None else default


def float_attribute(node: ir.Node, name: str, default: float) -> float:
    """Return a float attribute."""
    attribute = node.attributes.get(name)
    return float(attribute.as_float()) if attribute is not None else default


def string_attribute(node: ir.Node, name: str, default: str) -> str:
    """Return a string attribute."""
    attribute = node.attributes.get(name)
    return str(attribute.as_string()) if attribute is not None else default
