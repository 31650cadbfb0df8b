"""One convolution of a graph as an operation: which ones have that form, and what is in the way of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.fusing.program import NoProgram
from edgekit_export.passes import editing
from edgekit_export.passes.base import as_float32
from edgekit_runtime.bundle.manifest import OperationKind

Array = npt.NDArray[Any]

SIZE = 3
_KINDS = {"Conv": "convolution", "ConvTranspose": "transposed convolution"}


@dataclass(frozen=True)
class Convolution:
    """What a Conv or ConvTranspose does, without its inputs and its activation.

    Attributes:
        kind: As in the manifest.
        stride: 1 or 2.
        weight: float32, as `OperationInfo` orders it.
        bias: float32 (channels,).
    """

    kind: OperationKind
    stride: int
    weight: Array
    bias: Array


def read_convolution(node: ir.Node, *, ends: bool) -> Convolution:
    """Return what the node does.

    Args:
        node: A Conv or ConvTranspose.
        ends: Whether its result is the logits.

    Raises:
        NoProgram: If no operation does that.
    """
    weight = editing.read_constant(node.inputs[1])
    if weight is None or weight.ndim != 4:
        raise _refuse(node, "whose weights are not constant, or not of two dimensions")
    if weight.shape[2:] == (1, 1) and node.op_type == "Conv" and ends:
        return _read_head(node, weight)
    if ends:
        raise _refuse(node, "that gives the logits: a 1×1 one must")
    if weight.shape[2:] != (SIZE, SIZE):
        raise _refuse(node, f"of {weight.shape[2]}×{weight.shape[3]} before the end")
    if set(editing.ints_attribute(node, "dilations", (1, 1))) != {1}:
        raise _refuse(node, "with dilation")
    if node.op_type == "Conv":
        return _read_depthwise(node, weight)
    return _read_transposed(node, weight)


def _read_head(node: ir.Node, weight: Array) -> Convolution:
    _require_window(node, strides={(1, 1)}, pads=0)
    if weight.shape[0] != 1 or editing.int_attribute(node, "group", 1) != 1:
        raise _refuse(node, f"that gives {weight.shape[0]} maps of logits")
    return Convolution("head", 1, as_float32(weight.reshape(-1)), _read_bias(node, 1))


def _read_depthwise(node: ir.Node, weight: Array) -> Convolution:
    stride = _require_window(node, strides={(1, 1), (2, 2)}, pads=1)
    channels, share = weight.shape[:2]
    groups = editing.int_attribute(node, "group", 1)
    # Of one channel, the frame's, any number is made; whether it is the frame's is seen with the sizes.
    if share != 1 or groups not in (1, channels):
        raise _refuse(node, f"that takes {share} channels for each one that it gives")
    return Convolution("convolution", stride, as_float32(weight[:, 0]), _read_bias(node, channels))


def _read_transposed(node: ir.Node, weight: Array) -> Convolution:
    stride = _require_window(node, strides={(2, 2)}, pads=1)
    if editing.ints_attribute(node, "output_padding", (0, 0)) != (1, 1) or "output_shape" in node.attributes:
        raise _refuse(node, "that does not double the size by an output padding of 1")
    inputs, share = weight.shape[:2]
    channels = editing.int_attribute(node, "group", 1)
    if share != 1 or inputs not in (channels, 2 * channels):
        raise _refuse(
            node, f"of {inputs} channels in {channels} groups that gives {share} channels per group"
        )
    ordered = weight.reshape(channels, inputs // channels, SIZE, SIZE)
    return Convolution("transposed", stride, as_float32(ordered), _read_bias(node, channels))


def _require_window(node: ir.Node, *, strides: set[tuple[int, int]], pads: int) -> int:
    """Return the stride if the node moves its window as operations do."""
    stride = editing.ints_attribute(node, "strides", (1, 1))
    if stride not in strides:
        raise _refuse(node, f"with the strides {stride[0]} and {stride[1]}")
    automatic = editing.string_attribute(node, "auto_pad", "NOTSET")
    padding = editing.ints_attribute(node, "pads", (0, 0, 0, 0))
    # "SAME" is one pixel on each side where a 3×3 window moves by one.
    same = automatic in ("SAME_UPPER", "SAME_LOWER") and stride == (1, 1) and node.op_type == "Conv"
    if not (same or (automatic == "NOTSET" and set(padding) == {pads})):
        raise _refuse(node, f"with a padding other than {pads} on every side")
    return stride[0]


def _read_bias(node: ir.Node, channels: int) -> Array:
    value = node.inputs[2] if len(node.inputs) > 2 else None
    if value is None:
        return np.zeros(channels, np.float32)
    bias = editing.read_constant(value)
    if bias is None:
        raise _refuse(node, "whose bias is not constant")
    return as_float32(bias)


def _refuse(node: ir.Node, why: str) -> NoProgram:
    return NoProgram(f"a {_KINDS[node.op_type]} {why} ({node.name})")
