"""What every map of indices is made of: its value, its error, and how attributes and constants are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.passes import editing

Indices = npt.NDArray[np.int64]
Reads = Callable[[Indices, Indices], tuple[Indices, Indices]]
"""First and last positions of the output → first and last positions of the input that they depend on."""


class Unlimited(Exception):
    """A node depends on all positions, or on nobody knows which; the text says which node and why."""


@dataclass(frozen=True)
class IndexMap:
    """How a node's output lies over one of its inputs, along the axis that is followed.

    Attributes:
        axis: Of the output.
        scale: Output positions per input position.
        reads: What output positions depend on.
    """

    axis: int
    scale: Fraction
    reads: Reads


def find_length(value: ir.Value, axis: int) -> int:
    """Return how many positions the tensor has along the axis.

    Raises:
        Unlimited: If it is not a number.
    """
    length = value.shape[axis] if value.shape is not None else None
    if not isinstance(length, int):
        raise Unlimited(f"the size of {value.name!r} is not fixed")
    return length


def keep_indices(first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """Return the interval itself: every position depends on the one that it lies over."""
    return first, last


def input_of(node: ir.Node, index: int = 0) -> ir.Value:
    """Return an input that the operator must have."""
    value = node.inputs[index]
    if value is None:
        raise Unlimited(f"{describe_node(node)} lacks an input")
    return value


def rank_of(value: ir.Value) -> int:
    """Return the number of axes, which shape inference has found."""
    if value.shape is None:
        raise Unlimited(f"the shape of {value.name!r} is unknown")
    return len(value.shape)


def describe_node(node: ir.Node) -> str:
    """Return what errors call the node."""
    return f"{node.op_type} {node.name!r}"


def read_axes(node: ir.Node) -> tuple[int, ...]:
    """Return the axes that a node names, as input or, before opset 13, as attribute; () where it names none."""
    if "axes" in node.attributes:
        return editing.ints_attribute(node, "axes", ())
    return read_numbers(node, 1) if len(node.inputs) > 1 and node.inputs[1] is not None else ()


def read_numbers(node: ir.Node, index: int) -> tuple[int, ...]:
    """Return an input that is a constant list of integers."""
    constant = editing.read_constant(node.inputs[index]) if index < len(node.inputs) else None
    if constant is None:
        raise Unlimited(f"{describe_node(node)} is steered by what the graph computes")
    return tuple(int(number) for number in constant.reshape(-1))
