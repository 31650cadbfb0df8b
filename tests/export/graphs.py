"""Small graphs, built by hand, for the tests of single passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.execution import GraphRunner
from edgekit_export.graph_io import to_bytes


def make_graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, np.ndarray],
) -> ir.Model:
    """Return a model of float32 tensors with the given nodes, named by their first output where they have no name."""

    def infos(tensors: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in tensors.items()
        ]

    for node in nodes:
        node.name = node.name or f"{node.op_type}.{node.output[0]}"
    initialisers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(list(nodes), "test", infos(inputs), infos(outputs), initialisers)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(proto, full_check=True)
    return ir.from_proto(proto)


def run(model: ir.Model, **feeds: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs of the graph as it stands."""
    return GraphRunner(to_bytes(model), optimise=False).run(feeds)


def ops(model: ir.Model) -> list[str]:
    """Return the operator of every node in order."""
    return [node.op_type for node in model.graph]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Return reproducible normal float32 numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
