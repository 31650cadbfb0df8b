"""Graphs of one convolution, as floats, in fp16 and between Q/DQ, for tests of what compiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edgekit_runtime.bundle import TensorInfo

SHAPE = (1, 4, 8, 8)
INPUT = TensorInfo("x", "float32", SHAPE)
WEIGHT = np.random.default_rng(0).normal(size=(4, 4, 3, 3)).astype(np.float32)


def make_graph(
    nodes: Sequence[NodeProto],
    constants: dict[str, np.ndarray] | None = None,
    *,
    shape: Sequence[int | str] = SHAPE,
    dtype: int = TensorProto.FLOAT,
    out_shape: Sequence[int | str] = SHAPE,
    out_dtype: int | None = None,
    opset: int = 18,
) -> ModelProto:
    """x → nodes → y."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", dtype if out_dtype is None else out_dtype, out_shape)],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def conv(source: str = "x", weight: str = "w") -> NodeProto:
    return helper.make_node("Conv", [source, weight], ["y"], name="conv", pads=[1, 1, 1, 1])


def convolution(**changes) -> bytes:
    return make_graph([conv()], {"w": WEIGHT}, **changes).SerializeToString()


ZERO = np.array(0, np.int8)


def quantised(zero_point: np.ndarray | None = ZERO, **changes) -> bytes:
    """Q/DQ before the convolution, and DQ after its int8 weights."""
    constants = {"s": np.array(0.1, np.float32), "wq": np.ones(WEIGHT.shape, np.int8)}
    names = ["s"]
    if zero_point is not None:
        constants["z"] = zero_point
        names.append("z")
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *names], ["xq"], name="quantise"),
        helper.make_node("DequantizeLinear", ["xq", *names], ["xd"], name="dequantise"),
        helper.make_node("DequantizeLinear", ["wq", "s"], ["w"], name="weight.dequantise"),
        conv("xd"),
    ]
    return make_graph(nodes, constants, **changes).SerializeToString()
