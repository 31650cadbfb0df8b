"""Constants in fp16, and whether they fit: 11 bits, from 2^-14 (2^-24 with fewer bits) to 65504."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.precision.operator_types import QUANTISERS, WEIGHTED, takes_half

Array = npt.NDArray[Any]

LARGEST_HALF = float(np.finfo(np.float16).max)
SMALLEST_HALF = np.finfo(np.float16).smallest_subnormal

MOST_LOST = 2.0**-10
"""Share of a constant's size that rounding may take. Numbers with all their bits lose at most 2^-11 each, so that
only those below 2^-14 can bring it this far; judged over the whole tensor, because a channel whose weights are a
millionth of its neighbours' is one that training has switched off."""

_FACTORS = ("Mul", "Div", "PRelu", *QUANTISERS)
_SCALE = 1
"""Input of a quantiser."""


def find_misfit(node: ir.Node) -> str | None:
    """Return why a constant of the node must stay fp32; None where all fit.

    The weights of a quantised convolution are integers, and the scale of the node before it is judged with it.
    """
    for index, value in enumerate(node.inputs):
        array = editing.read_constant(value)
        if array is not None and array.dtype == np.float32 and takes_half(node, index):
            reason = _judge(node, index, array)
            if reason is not None:
                return f"{value.name if value is not None else index}: {reason}"
        producer = value.producer() if value is not None else None
        if producer is not None and producer.op_type == "DequantizeLinear" and _is_factor(node, index):
            reason = find_misfit(producer)
            if reason is not None:
                return reason
    return None


def to_half(array: Array) -> npt.NDArray[np.float16]:
    """Round to fp16; what is too large becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(array, dtype=np.float16, order="C")


def round_input(node: ir.Node, index: int, array: Array) -> npt.NDArray[np.float16]:
    """Round a constant input of the node to fp16; a scale stays above zero, or TensorRT refuses the graph."""
    rounded = to_half(array)
    if node.op_type in QUANTISERS and index == _SCALE:
        rounded = np.maximum(rounded, SMALLEST_HALF)
    return rounded


def _judge(node: ir.Node, index: int, array: Array) -> str | None:
    rounded = round_input(node, index, array)
    finite = np.isfinite(array)
    if np.isinf(rounded[finite]).any():
        return (
            f"its largest value {np.abs(array[finite]).max():.3g} exceeds what fp16 holds ({LARGEST_HALF:g})"
        )
    if not _is_factor(node, index):
        # What is added or compared only has to be as exact as what it is added to. But a lone number that vanishes is
        # an epsilon or a floor, which keeps the next node from dividing by zero.
        return f"it is {array.item():.3g}, and 0 in fp16" if _vanishes(node, array, rounded) else None
    wanted = array[finite].astype(np.float64)
    lost, size = np.linalg.norm(wanted - rounded[finite]), np.linalg.norm(wanted)
    if lost <= MOST_LOST * size:
        return None
    return f"rounding to fp16 takes {lost / size:.2%} of its size (largest value {np.abs(wanted).max():.3g})"


def _vanishes(node: ir.Node, array: Array, rounded: Array) -> bool:
    return node.op_type not in WEIGHTED and array.size == 1 and bool(array.any()) and not rounded.any()


def _is_factor(node: ir.Node, index: int) -> bool:
    """Whether an input multiplies; the bias of a weighted sum, its third input, does not."""
    return node.op_type in _FACTORS or (node.op_type in WEIGHTED and index < 2)
