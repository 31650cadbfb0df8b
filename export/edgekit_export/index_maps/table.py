"""Along one axis: which positions of an operator's input its output depends on, in integers.

Borders are left out: position −1 of an input is as good as any other, so that what is said here holds far from the
border, and tells where the border begins to matter. An interval may be too wide, and is never too narrow: what is not
known well enough raises `Unlimited`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx_ir as ir

from edgekit_export.index_maps import layout, spatial
from edgekit_export.index_maps.base import IndexMap, Unlimited, describe_node, find_length, rank_of

_UNARY = (
    *(
        "Abs",
        "Cast",
        "CastLike",
        "Ceil",
        "Clip",
        "Dropout",
        "Elu",
        "Erf",
        "Exp",
        "Floor",
        "Gelu",
        "HardSigmoid",
    ),
    *(
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Log",
        "Mish",
        "Neg",
        "Not",
        "Reciprocal",
        "Relu",
        "Round",
        "Selu",
    ),
    *("Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"),
)
_ELEMENTWISE = (
    *("Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min"),
    *("Mul", "Or", "PRelu", "Pow", "Sub", "Sum", "Where", "Xor"),
)
_REDUCTIONS = (
    *("ArgMax", "ArgMin", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
)
_MANY_INPUTS = frozenset((*_ELEMENTWISE, "Concat"))

_MAPS: Mapping[str, Callable[[ir.Node, int, int], IndexMap]] = {
    **dict.fromkeys(_UNARY, layout.map_unary),
    **dict.fromkeys(_ELEMENTWISE, layout.map_elementwise),
    **dict.fromkeys(_REDUCTIONS, layout.map_reduction),
    **dict.fromkeys(("Softmax", "LogSoftmax"), layout.map_along_axis),
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool", "LpPool"), spatial.map_window),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), spatial.map_shuffle),
    "BatchNormalization": spatial.map_per_channel,
    "Concat": layout.map_concat,
    "ConvTranspose": spatial.map_transposed,
    "Pad": spatial.map_pad,
    "Reshape": layout.map_reshape,
    "Resize": spatial.map_resize,
    "Slice": spatial.map_slice,
    "Split": layout.map_split,
    "Squeeze": layout.map_squeeze,
    "Transpose": layout.map_transpose,
    "Unsqueeze": layout.map_unsqueeze,
}
"""Operator → how it is mapped; what is not here is not known."""


def map_indices(node: ir.Node, index: int, axis: int) -> IndexMap:
    """Return how a node's outputs depend on its input number `index` along that input's axis.

    The node's graph has inferred shapes. All outputs of a node are mapped alike.

    Raises:
        Unlimited: If the output depends on all positions, or on nobody knows which.
    """
    if node.domain not in ("", "ai.onnx") or node.op_type not in _MAPS:
        raise Unlimited(f"{describe_node(node)} looks at the whole image, or is not known to look at less")
    if node.op_type not in _MANY_INPUTS and index != 0:
        raise Unlimited(f"{describe_node(node)} takes weights or settings that depend on the image")
    if node.op_type != "Split" and any(output.uses() for output in node.outputs[1:]):
        raise Unlimited(f"{describe_node(node)} has a second output")
    return _MAPS[node.op_type](node, index, axis)


def find_uneven_input(node: ir.Node, axis: int, carried: frozenset[int]) -> str | None:
    """Return the name of an input that differs from position to position and is not the image; None without one.

    Args:
        node: Any node.
        axis: Of its first output, that is followed.
        carried: Numbers of the inputs that hold the image.
    """
    if node.op_type not in _MANY_INPUTS:
        return None
    from_right = rank_of(node.outputs[0]) - axis
    for index, value in enumerate(node.inputs):
        if value is None or index in carried or rank_of(value) < from_right:
            continue
        if find_length(value, rank_of(value) - from_right) != 1:
            return value.name
    return None
