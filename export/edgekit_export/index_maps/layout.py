"""Operators that leave every position where it is, or move whole axes."""

from __future__ import annotations

import math
from fractions import Fraction

import onnx_ir as ir

from edgekit_export.index_maps.base import (
    IndexMap,
    Unlimited,
    describe_node,
    find_length,
    input_of,
    keep_indices,
    rank_of,
    read_axes,
)
from edgekit_export.passes import editing


def _pointwise(node: ir.Node, axis: int, output_axis: int) -> IndexMap:
    before, after = input_of(node), node.outputs[0]
    if find_length(before, axis) != find_length(after, output_axis):
        raise Unlimited(f"{describe_node(node)} changes a size that it should keep")
    return IndexMap(output_axis, Fraction(1), keep_indices)


def map_unary(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map an operator on every element by itself."""
    del index
    return _pointwise(node, axis, axis)


def map_elementwise(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map an operator on several tensors, broadcast from the right."""
    value = input_of(node, index)
    from_right = rank_of(value) - axis
    output = node.outputs[0]
    length = find_length(output, rank_of(output) - from_right)
    if find_length(value, axis) != length:
        raise Unlimited(f"{describe_node(node)} spreads one position over all")
    return IndexMap(rank_of(output) - from_right, Fraction(1), keep_indices)


def map_concat(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Concat along another axis."""
    del index
    joined = editing.int_attribute(node, "axis", 0) % rank_of(node.outputs[0])
    if joined == axis:
        raise Unlimited(f"{describe_node(node)} puts images side by side")
    return IndexMap(axis, Fraction(1), keep_indices)


def map_split(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Split along another axis."""
    if editing.int_attribute(node, "axis", 0) % rank_of(input_of(node, index)) == axis:
        raise Unlimited(f"{describe_node(node)} cuts the image")
    return IndexMap(axis, Fraction(1), keep_indices)


def map_along_axis(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Softmax along another axis."""
    if editing.int_attribute(node, "axis", -1) % rank_of(input_of(node, index)) == axis:
        raise Unlimited(f"{describe_node(node)} looks at the whole image")
    return IndexMap(axis, Fraction(1), keep_indices)


def map_reduction(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Reduce… and ArgMax, ArgMin over other axes."""
    rank = rank_of(input_of(node, index))
    if node.op_type.startswith("Arg"):
        reduced = {editing.int_attribute(node, "axis", 0) % rank}
    else:
        reduced = {number % rank for number in read_axes(node)}
    if not reduced or axis in reduced:
        raise Unlimited(f"{describe_node(node)} looks at the whole image")
    kept = editing.int_attribute(node, "keepdims", 1)
    return IndexMap(axis if kept else axis - sum(one < axis for one in reduced), Fraction(1), keep_indices)


def map_squeeze(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Squeeze of named axes."""
    rank = rank_of(input_of(node, index))
    gone = {number % rank for number in read_axes(node)}
    if not gone or axis in gone:
        raise Unlimited(f"{describe_node(node)} does not name the axes that it takes away")
    return IndexMap(axis - sum(one < axis for one in gone), Fraction(1), keep_indices)


def map_unsqueeze(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Unsqueeze."""
    del index
    rank = rank_of(node.outputs[0])
    new = {number % rank for number in read_axes(node)}
    old = [number for number in range(rank) if number not in new]
    return IndexMap(old[axis], Fraction(1), keep_indices)


def map_transpose(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Transpose."""
    rank = rank_of(input_of(node, index))
    order = editing.ints_attribute(node, "perm", tuple(reversed(range(rank))))
    return IndexMap(order.index(axis), Fraction(1), keep_indices)


def map_reshape(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Reshape where an axis of the same size has as many elements behind it: it is the same axis then."""
    before, after = input_of(node, index), node.outputs[0]
    wanted = (find_length(before, axis), _count_behind(before, axis))
    for number in range(1, rank_of(after)):  # the first axis is the batch
        if (find_length(after, number), _count_behind(after, number)) == wanted:
            return IndexMap(number, Fraction(1), keep_indices)
    raise Unlimited(f"{describe_node(node)} takes the image apart")


def _count_behind(value: ir.Value, axis: int) -> int:
    return math.prod(find_length(value, number) for number in range(axis + 1, rank_of(value)))
