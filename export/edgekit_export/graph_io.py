"""ONNX graphs as bytes, always the same bytes for the same graph, and what the manifest says about them."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnx_ir as ir

IR_VERSIONS = {18: 8, 19: 9}
"""Opset → the file version that it came with; nothing later is used, so that old readers accept the graph."""

PRODUCER = "edgekit"


def to_bytes(model: ir.Model) -> bytes:
    """Return the graph as deterministic ONNX bytes, without anything about this machine or moment."""
    proto = ir.to_proto(model)
    proto.ir_version = IR_VERSIONS[_read_opset(proto)]
    proto.producer_name = PRODUCER
    for field in ("producer_version", "domain", "model_version"):
        proto.ClearField(field)
    graph = proto.graph
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    # Tracers note files, lines and torch's internals on every part of a graph.
    for part in (proto, graph, *graph.node, *values):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return bytes(proto.SerializeToString(deterministic=True))


def find_opset(data: bytes) -> int:
    """Return the version of ONNX's operators that the graph is written in."""
    return _read_opset(onnx.ModelProto.FromString(data))


def _read_opset(proto: onnx.ModelProto) -> int:
    return next(int(entry.version) for entry in proto.opset_import if not entry.domain)


def from_bytes(data: bytes) -> ir.Model:
    """Return the graph that the bytes hold."""
    model: ir.Model = ir.from_proto(onnx.ModelProto.FromString(data))
    return model


def infer_shapes(model: ir.Model) -> ir.Model:
    """Check the graph and return a copy whose inner shapes are inferred anew.

    Raises:
        onnx.checker.ValidationError: If the graph is not valid ONNX.
        onnx.shape_inference.InferenceError: If shapes or types contradict each other.
    """
    proto = onnx.ModelProto.FromString(to_bytes(model))
    # Shapes left from before a rewrite would be believed instead of checked.
    del proto.graph.value_info[:]
    onnx.checker.check_model(proto)
    return ir.from_proto(
        onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    )


def expose_value(data: bytes, name: str) -> bytes:
    """Return a copy of the graph with an inner value as a further output; an output stays as it is."""
    model = from_bytes(data)
    graph = model.graph
    if name not in {value.name for value in graph.outputs}:
        graph.outputs.append(next(value for node in graph for value in node.outputs if value.name == name))
    return to_bytes(model)


def count_weight_bytes(model: ir.Model) -> int:
    """Return the bytes of all initialisers."""
    return sum(
        value.const_value.nbytes
        for value in model.graph.initializers.values()
        if value.const_value is not None
    )


def shape_of(value: ir.Value) -> tuple[int | str, ...]:
    """Return the shape with the batch as its symbol; unknown dimensions are "?"."""
    dimensions: Sequence[int | ir.SymbolicDim] = list(value.shape) if value.shape is not None else []
    return tuple(item if isinstance(item, int) else str(item.value or "?") for item in dimensions)
