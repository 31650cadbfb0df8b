"""Operators whose output stands on another grid than their input, or looks at neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import onnx_ir as ir

from edgekit_export.index_maps.base import (
    IndexMap,
    Indices,
    Reads,
    Unlimited,
    describe_node,
    find_length,
    input_of,
    keep_indices,
    rank_of,
    read_numbers,
)
from edgekit_export.passes import editing

_CHANNELS = 1
"""Axis of the channels in what convolutions, poolings and pixel shuffles take; those behind it are spatial."""


def map_per_channel(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map BatchNormalization: other numbers for every channel, the same ones for every position."""
    del index
    _require_spatial(node, axis)
    return IndexMap(axis, Fraction(1), keep_indices)


def map_window(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map convolution and pooling: position o reads o·stride − pad + dilation·k for every k of the kernel."""
    del index
    window = _read_window(node, axis)
    stride, pad, width = window.stride, window.pad, window.width

    def reads(first: Indices, last: Indices) -> tuple[Indices, Indices]:
        return first * stride - pad, last * stride - pad + width

    return IndexMap(axis, Fraction(1, stride), reads)


def map_transposed(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map transposed convolution: position i is read by i·stride − pad + dilation·k for every k of the kernel."""
    del index
    if "output_shape" in node.attributes:
        raise Unlimited(f"{describe_node(node)} has no explicit padding")
    window = _read_window(node, axis)
    stride, pad, width = window.stride, window.pad, window.width

    def reads(first: Indices, last: Indices) -> tuple[Indices, Indices]:
        low, high = -((width - first - pad) // stride), (last + pad) // stride
        # A kernel smaller than the stride leaves positions that depend on nothing.
        return np.minimum(low, high), np.maximum(low, high)

    return IndexMap(axis, Fraction(stride), reads)


def map_shuffle(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map DepthToSpace and SpaceToDepth, in both orders of channels."""
    del index
    _require_spatial(node, axis)
    block = editing.int_attribute(node, "blocksize", 1)
    if node.op_type == "DepthToSpace":
        return IndexMap(axis, Fraction(block), lambda first, last: (first // block, last // block))
    return IndexMap(axis, Fraction(1, block), lambda first, last: (first * block, last * block + block - 1))


def map_slice(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Slice that counts from the beginning; where it ends shows in the size of its output."""
    rank = rank_of(input_of(node, index))
    starts, ends = (read_numbers(node, number) for number in (1, 2))
    axes = read_numbers(node, 3) if len(node.inputs) > 3 else tuple(range(len(starts)))
    steps = read_numbers(node, 4) if len(node.inputs) > 4 else (1,) * len(starts)
    cuts = {one % rank: (start, step) for one, start, step in zip(axes, starts, steps, strict=True)}
    start, step = cuts.get(axis, (0, 1))
    if len(ends) != len(starts) or start < 0 or step < 1:
        raise Unlimited(f"{describe_node(node)} cuts from the end of the image")
    return IndexMap(axis, Fraction(1, step), lambda first, last: (first * step + start, last * step + start))


def map_pad(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Pad; what it reflects or repeats lies no further from the border than what it adds."""
    rank = rank_of(input_of(node, index))
    if editing.string_attribute(node, "mode", "constant") == "wrap":
        raise Unlimited(f"{describe_node(node)} continues the image with its other end")
    pads = read_numbers(node, 1)
    axes = read_numbers(node, 3) if len(node.inputs) > 3 else tuple(range(rank))
    before = {one % rank: pads[number] for number, one in enumerate(axes)}.get(axis, 0)
    return IndexMap(axis, Fraction(1), lambda first, last: (first - before, last - before))


def map_resize(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Map Resize whose positions do not follow the size: all but align_corners and crops."""
    value, output = input_of(node, index), node.outputs[0]
    scale = Fraction(find_length(output, axis), find_length(value, axis))
    if scale == 1:
        return IndexMap(axis, scale, keep_indices)
    mode = editing.string_attribute(node, "mode", "nearest")
    form = editing.string_attribute(node, "coordinate_transformation_mode", "half_pixel")
    taps = {"nearest": 1, "linear": 1, "cubic": 2}.get(mode)
    known = form in ("half_pixel", "pytorch_half_pixel", "asymmetric") and "axes" not in node.attributes
    if taps is None or not known or editing.int_attribute(node, "antialias", 0):
        raise Unlimited(
            f"{describe_node(node)} resizes in a way ({mode}, {form}) that follows the image's size"
        )
    given = editing.read_constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if given is not None and given.size and given[axis] != np.float32(scale.numerator / scale.denominator):
        raise Unlimited(f"{describe_node(node)} resizes by a factor that the image's size does not show")
    shift = Fraction(0) if form == "asymmetric" else Fraction(1, 2)
    rounding = editing.string_attribute(node, "nearest_mode", "round_prefer_floor")
    if (mode, form, rounding) == ("nearest", "asymmetric", "floor") and scale.denominator == 1:
        return IndexMap(axis, scale, lambda first, last: (first // scale.numerator, last // scale.numerator))
    return IndexMap(axis, scale, _read_between(scale, shift, taps))


def _read_between(scale: Fraction, shift: Fraction, taps: int) -> Reads:
    """Return which positions lie about x = (o + shift) / scale − shift: `taps` on either side.

    Where x is a whole number, one more counts on either side, because float32 may find it slightly beside that.
    """
    slope, offset = 1 / scale, shift / scale - shift
    common = math.lcm(slope.denominator, offset.denominator)
    rise, constant = int(slope * common), int(offset * common)

    def reads(first: Indices, last: Indices) -> tuple[Indices, Indices]:
        low = -((-first * rise - constant) // common)
        high = (last * rise + constant) // common
        return low - taps, high + taps

    return reads


@dataclass(frozen=True)
class _Window:
    """A kernel along one axis; `width` is from its first tap to its last."""

    stride: int
    pad: int
    width: int


def _read_window(node: ir.Node, axis: int) -> _Window:
    _require_spatial(node, axis)
    number = axis - _CHANNELS - 1
    padding = editing.string_attribute(node, "auto_pad", "NOTSET")
    if padding not in ("NOTSET", "VALID"):
        raise Unlimited(f"{describe_node(node)} has no explicit padding")
    kernel = editing.ints_attribute(node, "kernel_shape", ())
    if not kernel:
        kernel = tuple(find_length(input_of(node, 1), 2 + one) for one in range(rank_of(input_of(node)) - 2))
    ones, zeros = (1,) * len(kernel), (0,) * (2 * len(kernel))
    stride = editing.ints_attribute(node, "strides", ones)[number]
    dilation = editing.ints_attribute(node, "dilations", ones)[number]
    pad = editing.ints_attribute(node, "pads", zeros)[number]
    return _Window(stride, pad, dilation * (kernel[number] - 1))


def _require_spatial(node: ir.Node, axis: int) -> None:
    if axis <= _CHANNELS:
        raise Unlimited(f"{describe_node(node)} takes the image's rows or columns for channels")
