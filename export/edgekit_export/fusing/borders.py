"""The two ends of a graph that every exported segmenter has: the widened frame, and the comparison that is the mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgekit_export.fusing.program import NoProgram
from edgekit_export.passes import editing
from edgekit_export.passes.names import FRAME, MASK, THRESHOLD


@dataclass(frozen=True)
class FrameEntry:
    """Cast → Unsqueeze → Mul → Sub: Mul where pixels are deeper than 8 bits, Sub where something is subtracted.

    Attributes:
        image: What the first operations take, (N, 1, H, W).
        shift: What is subtracted from every grey value.
        power: Power of two that the difference is multiplied with, which rounds nothing.
        nodes: The entry's own nodes.
    """

    image: ir.Value
    shift: float
    power: float
    nodes: frozenset[ir.Node]


@dataclass(frozen=True)
class MaskEnd:
    """Squeeze → Less → Not → Cast.

    Attributes:
        logits: What is compared, (N, 1, H, W).
        nodes: The end's own nodes.
    """

    logits: ir.Value
    nodes: frozenset[ir.Node]


def match_frame(graph: ir.Graph) -> FrameEntry:
    """Find where the frame becomes an image.

    Raises:
        NoProgram: If it is treated in another way.
    """
    frame = next((value for value in graph.inputs if value.name == FRAME), None)
    cast = _follow(frame, "Cast")
    layout = _follow(cast, "Unsqueeze")
    if layout is None:
        raise NoProgram("a frame that is not one plane of grey values")
    image, power = layout.outputs[0], 1.0
    nodes = [node for node in (cast, layout) if node is not None]
    product = _follow(layout, "Mul")
    if product is not None:
        image, power = product.outputs[0], _read_power(product)
        nodes.append(product)
    subtraction = editing.only_consumer(image)
    if subtraction is None or subtraction.op_type != "Sub" or subtraction.inputs[0] is not image:
        return FrameEntry(image, 0.0, power, frozenset(nodes))
    shift = editing.read_constant(subtraction.inputs[1])
    if shift is None or shift.size != 1:
        raise NoProgram("a shift of the frame that is not one number")
    inner = float(shift.reshape(())) / power
    return FrameEntry(subtraction.outputs[0], inner, power, frozenset([*nodes, subtraction]))


def _read_power(product: ir.Node) -> float:
    """Return the power of two that a frame is multiplied with; any other factor would round."""
    factor = editing.read_constant(product.inputs[1])
    if factor is None or factor.size != 1 or math.frexp(float(factor.reshape(())))[0] != 0.5:
        raise NoProgram("a frame that is multiplied with other than a power of two")
    return float(factor.reshape(()))


def match_mask(graph: ir.Graph) -> MaskEnd:
    """Find what is compared with the threshold.

    Raises:
        NoProgram: If the mask comes about in another way.
    """
    value = graph.outputs[0] if len(graph.outputs) == 1 else None
    nodes = []
    for op in ("Cast", "Not", "Less", "Squeeze"):
        node = value.producer() if value is not None and value.name is not None else None
        if node is None or node.op_type != op:
            raise NoProgram("a mask that is not one logit per pixel, compared")
        nodes.append(node)
        value = node.inputs[0]
    less, squeeze = nodes[2], nodes[3]
    axes = editing.read_constant(squeeze.inputs[1]) if len(squeeze.inputs) > 1 else None
    threshold = less.inputs[1]
    named = graph.outputs[0].name == MASK and threshold is not None and threshold.name == THRESHOLD
    if not named or value is None or axes is None or not np.array_equal(axes, [1]):
        raise NoProgram("a mask that is not one logit per pixel, compared")
    return MaskEnd(value, frozenset(nodes))


def _follow(source: ir.Value | ir.Node | None, op: str) -> ir.Node | None:
    """Return the node that alone uses the value, or the node's output, if it is of this kind."""
    value = source.outputs[0] if isinstance(source, ir.Node) else source
    node = editing.only_consumer(value) if value is not None else None
    return node if node is not None and node.op_type == op else None
