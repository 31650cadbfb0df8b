"""Graphs of one node with weights between two that compute in float: what a compiler is tried with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edgekit_export.compiling.lowering_rule import Level
from edgekit_runtime.bundle import StageInfo, TensorInfo

_CHANNEL_AXES = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}


@dataclass(frozen=True)
class Trial:
    """A node: its operator, channels in and out, kernel, groups, stride, dilation, and side of its input in pixels."""

    operator: str
    taken: int
    given: int
    kernel: int = 1
    group: int = 1
    stride: int = 1
    dilation: int = 1
    side: int = 16

    def __str__(self) -> str:
        return (
            f"{self.operator} {self.taken}-{self.given} k{self.kernel} g{self.group} s{self.stride} "
            f"d{self.dilation} {self.side}px"
        )

    @property
    def is_product(self) -> bool:
        return self.operator in ("Gemm", "MatMul")


def write_trial(trial: Trial, level: Level, batch: int | str = 1) -> tuple[StageInfo, bytes]:
    """Return the stage and its graph: Relu, the node "node", LeakyRelu."""
    half = level == "fp16"
    float_type = np.float16 if half else np.float32
    constants: dict[str, np.ndarray] = {}
    nodes = [helper.make_node("Relu", ["x"], ["data"], name="before")]
    source = "data"
    weight = np.random.default_rng(2).normal(size=_weight_shape(trial))
    if level == "int8":
        source = "data.back"
        nodes += _quantise(trial, weight, constants)
    else:
        constants["weight"] = weight.astype(float_type)
    inputs = [source, "weight"]
    if trial.operator != "MatMul":
        constants["bias"] = np.ones(trial.given, float_type)
        inputs.append("bias")
    nodes.append(helper.make_node(trial.operator, inputs, ["made"], name="node", **_attributes(trial)))
    nodes.append(helper.make_node("LeakyRelu", ["made"], ["y"], name="after", alpha=0.25))
    shape = (batch, trial.taken) if trial.is_product else (batch, trial.taken, trial.side, trial.side)
    dtype = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "trial",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", dtype, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    taken = TensorInfo("x", "float16" if half else "float32", shape)
    return StageInfo("main", "main.onnx", (taken,), (), (), None, 0, 0), model.SerializeToString()


def _weight_shape(trial: Trial) -> tuple[int, ...]:
    square = (trial.kernel, trial.kernel)
    if trial.is_product:
        return (trial.taken, trial.given)
    if trial.operator == "Conv":
        return (trial.given, trial.taken // trial.group, *square)
    return (trial.taken, trial.given // trial.group, *square)


def _quantise(trial: Trial, weight: np.ndarray, constants: dict[str, np.ndarray]) -> list[NodeProto]:
    """Q/DQ for the data, one scale per channel for the weights where ONNX has an axis for them."""
    axis = _CHANNEL_AXES[trial.operator]
    whole = trial.operator == "ConvTranspose" and trial.group > 1
    scales = () if whole else (weight.shape[axis],)
    constants["scale"], constants["zero"] = np.array(0.05, np.float32), np.array(0, np.int8)
    constants["weight.scale"] = np.full(scales, 0.02, np.float32)
    constants["weight.zero"] = np.zeros(scales, np.int8)
    constants["weight.q"] = np.clip(np.rint(weight / 0.02), -127, 127).astype(np.int8)
    back = helper.make_node(
        "DequantizeLinear", ["weight.q", "weight.scale", "weight.zero"], ["weight"], name="weight.back"
    )
    if not whole:
        back.attribute.append(helper.make_attribute("axis", axis))
    return [
        helper.make_node("QuantizeLinear", ["data", "scale", "zero"], ["data.q"], name="data.quantise"),
        helper.make_node("DequantizeLinear", ["data.q", "scale", "zero"], ["data.back"], name="data.back"),
        back,
    ]


def _attributes(trial: Trial) -> dict[str, object]:
    if trial.is_product:
        return {}
    attributes: dict[str, object] = {"group": trial.group, "strides": [trial.stride] * 2}
    reach = trial.dilation * (trial.kernel - 1)
    if trial.operator == "Conv":
        return attributes | {"dilations": [trial.dilation] * 2, "pads": [reach // 2] * 4}
    return attributes | {"pads": [reach // 2] * 4}
