"""What ONNX says about the types that an operator takes and gives."""

from __future__ import annotations

from functools import lru_cache

import onnx
import onnx_ir as ir

WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""What a network spends its time in: fp16 is for these, and the rest is placed around them."""

MOVERS = frozenset(
    {
        *("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Pad", "Reshape", "Slice", "SpaceToDepth"),
        *("Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)
"""Operators that hand values on in another place or form."""

QUANTISERS = ("QuantizeLinear", "DequantizeLinear")

QUANTISED_OPSET = 19
"""The first opset in which a scale may be fp16."""

_HALF = "tensor(float16)"


def takes_half(node: ir.Node, index: int) -> bool:
    """Whether an input of the node may be fp16: the scales of a Resize, for one, may not."""
    formals = _read_inputs(node.domain, node.op_type, _opset_of(node))
    return bool(formals) and _HALF in formals[min(index, len(formals) - 1)][1]


def gives_half(node: ir.Node) -> bool:
    """Whether the node's float outputs become fp16 when its float inputs do; a Cast can be told to."""
    if node.op_type == "Cast" or not any(value.dtype == ir.DataType.FLOAT for value in node.outputs):
        return True
    opset = _opset_of(node)
    formals = _read_inputs(node.domain, node.op_type, opset)
    types = {
        formals[min(index, len(formals) - 1)][0]
        for index, value in enumerate(node.inputs)
        if formals and value is not None and value.dtype == ir.DataType.FLOAT and takes_half(node, index)
    }
    outputs = _read_outputs(node.domain, node.op_type, opset)
    return bool(outputs) and all(
        outputs[min(index, len(outputs) - 1)] in types
        for index, value in enumerate(node.outputs)
        if value.dtype == ir.DataType.FLOAT
    )


def _opset_of(node: ir.Node) -> int:
    graph = node.graph
    opset = int(graph.opset_imports.get(node.domain, 1)) if graph is not None else 1
    return max(opset, QUANTISED_OPSET) if node.op_type in QUANTISERS else opset


@lru_cache(maxsize=1024)
def _read_inputs(domain: str, operator: str, opset: int) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return (type variable, types that it may stand for) per input; nothing for an unknown operator."""
    try:
        schema = onnx.defs.get_schema(operator, opset, domain)
    except onnx.defs.SchemaError:
        return ()
    return tuple((formal.type_str, frozenset(formal.types)) for formal in schema.inputs)


@lru_cache(maxsize=1024)
def _read_outputs(domain: str, operator: str, opset: int) -> tuple[str, ...]:
    """Return the type variable of each output."""
    try:
        schema = onnx.defs.get_schema(operator, opset, domain)
    except onnx.defs.SchemaError:
        return ()
    return tuple(formal.type_str for formal in schema.outputs)
