"""Fold BatchNormalization into the convolution before it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import ROUNDING, GraphPass, Tolerance, as_float32, ensure

CONVOLUTIONS = ("Conv", "ConvTranspose")


class FoldBatchNorm(GraphPass):
    """y = γ·(x − μ)/√(σ² + ε) + β is affine per channel, and so is a convolution: one does the work of both.

    A BatchNormalization that no convolution feeds alone is left: another user of the convolution's output
    needs it as it is.
    """

    name: ClassVar[str] = "fold_batchnorm"
    changes: ClassVar[str] = (
        "Scales the weights and shifts the bias of each Conv and ConvTranspose that feeds one."
    )
    tolerance: ClassVar[Tolerance] = ROUNDING

    def ensures(self, model: ir.Model) -> None:
        """No foldable BatchNormalization is left."""
        left = [node.name for node in model.graph if _foldable(node)]
        ensure(not left, f"BatchNormalization is left after a convolution: {', '.join(map(str, left))}")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Fold each BatchNormalization in graph order."""
        norms = [node for node in graph if _foldable(node)]
        for norm in norms:
            _fold(graph, norm)
        return bool(norms)


def _foldable(node: ir.Node) -> bool:
    if node.op_type != "BatchNormalization" or editing.int_attribute(node, "training_mode", 0):
        return False
    source = node.inputs[0]
    producer = source.producer() if source is not None else None
    if source is None or producer is None or producer.op_type not in CONVOLUTIONS:
        return False
    if editing.only_consumer(source) is not node:
        return False
    constants = [*node.inputs[1:5], *producer.inputs[1:3]]
    return all(value is None or editing.read_constant(value) is not None for value in constants)


def _fold(graph: ir.Graph, norm: ir.Node) -> None:
    source = norm.inputs[0]
    conv = source.producer() if source is not None else None
    if source is None or conv is None:
        return
    gamma, beta, mean, variance = (
        np.asarray(editing.read_constant(value), np.float64) for value in norm.inputs[1:5]
    )
    factor = gamma / np.sqrt(variance + editing.float_attribute(norm, "epsilon", 1e-5))
    weight = np.asarray(editing.read_constant(conv.inputs[1]), np.float64)
    old_bias = editing.read_constant(conv.inputs[2]) if len(conv.inputs) > 2 else None
    bias = np.zeros_like(mean) if old_bias is None else np.asarray(old_bias, np.float64)

    stem = str(conv.name)
    conv.resize_inputs(3)
    weight = _scale_outputs(conv, weight, factor)
    editing.replace_constant(graph, conv, 1, as_float32(weight), fallback=f"{stem}.weight")
    bias = (bias - mean) * factor + beta
    editing.replace_constant(graph, conv, 2, as_float32(bias), fallback=f"{stem}.bias")
    editing.replace_value(graph, norm.outputs[0], source)
    graph.remove(norm, safe=True)


def _scale_outputs(conv: ir.Node, weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Multiply the weights of each output channel by its factor."""
    if conv.op_type == "Conv":
        return np.asarray(weight * factor.reshape(-1, *([1] * (weight.ndim - 1))))
    # ConvTranspose holds (Cin, Cout/groups, …): the input channels of group g meet the g-th share of the
    # outputs.
    groups = editing.int_attribute(conv, "group", 1)
    split = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    shares = factor.reshape(groups, 1, weight.shape[1], *([1] * (weight.ndim - 2)))
    return np.asarray((split * shares).reshape(weight.shape))
