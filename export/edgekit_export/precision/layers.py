"""Which nodes of a graph can run in int8, and why others cannot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import onnx_ir as ir

from edgekit_export.passes import editing

DATA, WEIGHT = 0, 1
"""Inputs of a convolution or matrix product."""

_AXES = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""Operator → axis of the output channels in its weights; where a Gemm transposes them it is the other one."""

_TRANSPOSED = (
    "TensorRT-RTX and ONNX Runtime have no int8 kernel for it; 'subpixel' makes it an ordinary convolution"
)


@dataclass(frozen=True)
class Layer:
    """A convolution or matrix product.

    Attributes:
        name: Of the node.
        operation: ONNX operator.
        tensor: Its data input.
        axis: Output channels of its weights; -1 where it has an obstacle.
        obstacle: Why it stays in floating point; "" where int8 is possible.
    """

    name: str
    operation: str
    tensor: str
    axis: int
    obstacle: str


@dataclass(frozen=True)
class Use:
    """An input of a node that int8 values can reach.

    Attributes:
        node: Name of the node.
        index: Which of its inputs.
        tensor: What it reads there.
    """

    node: str
    index: int
    tensor: str


def list_layers(graph: ir.Graph) -> tuple[Layer, ...]:
    """Return every convolution and matrix product in graph order, the ones that stay in floating point included."""
    return tuple(_describe(node) for node in graph if node.op_type in _AXES)


def find_uses(graph: ir.Graph, layers: Collection[str], *, answers: bool = False) -> tuple[Use, ...]:
    """Return the inputs that read int8 values where these layers run in int8, in graph order.

    They are the data of the layers, and one side of each residual Add. An Add joins the convolution that alone feeds
    it and becomes part of its kernel, so that this side stays in floating point; the other side, which that kernel
    reads from memory, is in int8. Of two such convolutions the first is joined.

    Args:
        graph: In which nodes have names of their own.
        layers: Names of nodes, all without an obstacle.
        answers: Also what the layers answer, before its activation, as the int8 kernels of ONNX Runtime want it.
    """
    return tuple(
        _use(node, index) for node in graph for index in _find_inputs(node, layers, answers=answers, sides=1)
    )


def list_possible_uses(graph: ir.Graph, *, answers: bool = False) -> tuple[Use, ...]:
    """Return what `find_uses` can return for any choice of layers."""
    able = {layer.name for layer in list_layers(graph) if not layer.obstacle}
    return tuple(
        _use(node, index) for node in graph for index in _find_inputs(node, able, answers=answers, sides=2)
    )


def _find_inputs(node: ir.Node, layers: Collection[str], *, answers: bool, sides: int) -> list[int]:
    """Return the inputs of a node that are in int8; of the convolutions that an Add could join so many are tried."""
    found: set[int] = set()
    if node.name in layers:
        found.add(DATA)
    elif node.op_type == "Add":
        joined = [index for index in _joined_sides(node) if _producer_name(node, index) in layers]
        found.update(1 - index for index in joined[:sides])
    if answers:
        found.update(index for index in range(len(node.inputs)) if _producer_name(node, index) in layers)
    return sorted(found)


def _describe(node: ir.Node) -> Layer:
    obstacle = _TRANSPOSED if node.op_type == "ConvTranspose" else _find_obstacle(node)
    axis = -1 if obstacle else _channel_axis(node)
    data = node.inputs[DATA]
    return Layer(str(node.name), node.op_type, str(data.name) if data is not None else "", axis, obstacle)


def _channel_axis(node: ir.Node) -> int:
    if node.op_type == "Gemm":
        return 0 if editing.int_attribute(node, "transB", 0) else 1
    return _AXES[node.op_type]


def _find_obstacle(node: ir.Node) -> str:
    data, weight = node.inputs[DATA], node.inputs[WEIGHT]
    constant = editing.read_constant(weight)
    if constant is None:
        return "its weights are not constant"
    if data is None or data.dtype != ir.DataType.FLOAT or constant.dtype != "float32":
        return "it is not float32"
    if data.const_value is not None:
        return "its data are constant"
    if node.op_type == "MatMul" and constant.ndim != 2:
        return f"its weights have {constant.ndim} dimensions, and a matrix has 2"
    if node.op_type == "Gemm" and not _is_plain(node):
        return "it scales or transposes its data"
    return ""


def _is_plain(gemm: ir.Node) -> bool:
    scales = {editing.float_attribute(gemm, name, 1.0) for name in ("alpha", "beta")}
    return scales == {1.0} and not editing.int_attribute(gemm, "transA", 0)


def _joined_sides(add: ir.Node) -> list[int]:
    """Return the inputs of a residual Add that come straight from a convolution which nothing else uses."""
    if any(value is None or value.const_value is not None for value in add.inputs):
        return []
    first, second = add.inputs
    if first is None or second is None or first is second:
        return []
    if first.shape is None or first.shape != second.shape:
        return []
    sides = []
    for index, value in enumerate((first, second)):
        producer = value.producer()
        if (
            producer is not None
            and producer.op_type == "Conv"
            and editing.only_consumer(value) is add
            and value.dtype == ir.DataType.FLOAT
        ):
            sides.append(index)
    return sides


def _producer_name(node: ir.Node, index: int) -> str:
    value = node.inputs[index]
    producer = value.producer() if value is not None else None
    return str(producer.name) if producer is not None else ""


def _use(node: ir.Node, index: int) -> Use:
    value = node.inputs[index]
    return Use(str(node.name), index, str(value.name) if value is not None else "")
