"""Which precision a graph asks for at each node with weights, and which one TensorRT-RTX gives it.

The rule, found by compiling single nodes between float ones with release 1.7.1.116, for SM 75, 80, 86, 89, 120 and for
86, 89 and 120 together, with a fixed and with a dynamic batch. This module's tests compile such nodes again.

    fp16  all of 69 shapes of Conv, 12 of ConvTranspose, 12 of Gemm and MatMul, on every target
    int8  the same shapes of Conv (1 to 256 channels, odd ones too; groups of any size; kernels 1, 2, 3, 5, 7; stride
          and dilation 2; maps down to 1 × 1) and of Gemm and MatMul, on SM 80 and later
          not ConvTranspose: it stays in float between Q/DQ, on every target
          not SM 75: Conv stays in float there, and Gemm is not compiled at all
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import onnx

from edgekit_export.precision.operator_types import WEIGHTED

Level = Literal["fp32", "fp16", "int8"]
"""How a node computes."""

_INT8_OPERATORS = ("Conv", "Gemm", "MatMul")
_FIRST_INT8_TARGET = 80
_LEVELS: tuple[Level, ...] = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class AskedNode:
    """A node with weights, and the precision that the graph states for it."""

    name: str
    operator: str
    asked: Level


def list_asked(model: onnx.ModelProto) -> list[AskedNode]:
    """Return the nodes with weights in their order.

    int8 is asked where the data come from a DequantizeLinear, fp16 where they are float16.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    asked = []
    for node in graph.node:
        if node.op_type not in WEIGHTED:
            continue
        data = node.input[0]
        level: Level = "fp32"
        if makers.get(data) == "DequantizeLinear":
            level = "int8"
        elif types.get(data) == onnx.TensorProto.FLOAT16:
            level = "fp16"
        asked.append(AskedNode(node.name, node.op_type, level))
    return asked


def is_expected(node: AskedNode, targets: Sequence[int]) -> bool:
    """Return whether the compiler gives the node what it asks for on all of the targets."""
    if node.asked != "int8":
        return True
    return node.operator in _INT8_OPERATORS and min(targets) >= _FIRST_INT8_TARGET


def is_lost(achieved: Level | None, asked: Level) -> bool:
    """Return whether a node got less than it asked for: a higher precision, and so a slower kernel, or no kernel."""
    return achieved is None or rank(achieved) < rank(asked)


def rank(level: Level) -> int:
    """Return how low a precision is: 0 for fp32."""
    return _LEVELS.index(level)
