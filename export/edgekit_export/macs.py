"""Multiply-accumulates of a graph, by the rule `macs`: convolutions and matrix products, nothing else.

    Conv           output elements · kernel area · Cin / groups
    ConvTranspose  input elements · kernel area · Cout / groups
    Gemm, MatMul   output elements · inner dimension

Counted on the traced graph before any rewrite, so that the number describes the network and not the export.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import onnx
import onnx_ir as ir

from edgekit_export.graph_io import to_bytes
from edgekit_export.passes import editing
from edgekit_runtime.errors import EdgekitError

Shapes = Mapping[str, tuple[int, ...]]


def count_macs(model: ir.Model) -> int:
    """Return the multiply-accumulates of one row of the batch.

    Raises:
        EdgekitError: If the shape of a counted node cannot be inferred.
    """
    shapes, rows = _concrete_shapes(model)
    total = sum(_count_node(node, shapes) for node in model.graph)
    return total // rows


def _concrete_shapes(model: ir.Model) -> tuple[Shapes, int]:
    """Return every value's shape and the batch: 1 where it is dynamic."""
    proto = onnx.ModelProto.FromString(to_bytes(model))
    del proto.graph.value_info[:]
    for value in (*proto.graph.input, *proto.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if not dimension.HasField("dim_value"):
                dimension.dim_value = 1
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    shapes = {
        value.name: tuple(item.dim_value for item in value.type.tensor_type.shape.dim) for value in values
    }
    shapes.update({tensor.name: tuple(tensor.dims) for tensor in inferred.initializer})
    rows = inferred.input[0].type.tensor_type.shape.dim[0].dim_value
    return shapes, int(rows)


def _count_node(node: ir.Node, shapes: Shapes) -> int:
    def shape(value: ir.Value | None) -> tuple[int, ...]:
        found = shapes.get(str(value.name)) if value is not None else None
        if found is None or 0 in found:
            raise EdgekitError(
                f"The shape of {value.name if value else None!r} at node {node.name!r} is unknown."
            )
        return found

    if node.op_type == "Conv":
        weight = shape(node.inputs[1])
        return math.prod(shape(node.outputs[0])) * math.prod(weight[1:])
    if node.op_type == "ConvTranspose":
        weight = shape(node.inputs[1])
        return math.prod(shape(node.inputs[0])) * math.prod(weight[1:])
    if node.op_type == "Gemm":
        inner = shape(node.inputs[0])[0 if editing.int_attribute(node, "transA", 0) else 1]
        return math.prod(shape(node.outputs[0])) * inner
    if node.op_type == "MatMul":
        return math.prod(shape(node.outputs[0])) * shape(node.inputs[0])[-1]
    return 0
