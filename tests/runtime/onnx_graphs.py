"""Small ONNX graphs and the bundles that hold them, for tests of backends that run real graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from edgekit_runtime.bundle import Bundle, write_bundle
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.testing import fake_bundle

_OPSET = [helper.make_opsetid("", 17)]


def make_model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    constants: dict[str, np.ndarray] | None = None,
) -> ModelProto:
    tensors = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=_OPSET, ir_version=9)


def tensor(name: str, dtype: int, shape: Sequence[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def segmenter(height: int, width: int, batch: int | str = "N") -> ModelProto:
    """mask = not (frame - 128 < threshold), as fake bundles answer."""
    return make_model(
        [
            helper.make_node("Cast", ["frame"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["grey", "middle"], ["logit"]),
            helper.make_node("Less", ["logit", "threshold"], ["clean"]),
            helper.make_node("Not", ["clean"], ["defect"]),
            helper.make_node("Cast", ["defect"], ["mask"], to=TensorProto.UINT8),
        ],
        [
            tensor("frame", TensorProto.UINT8, (batch, height, width)),
            tensor("threshold", TensorProto.FLOAT, ()),
        ],
        [tensor("mask", TensorProto.UINT8, (batch, height, width))],
        {"middle": np.array(128, np.float32)},
    )


def _exit_nodes(brightness: str, answer: str) -> list[NodeProto]:
    """answer = [1 - brightness, brightness] of a tensor (N, 1)."""
    return [
        helper.make_node("Sub", ["one", brightness], ["rest"]),
        helper.make_node("Concat", ["rest", brightness], [answer], axis=1),
    ]


def first_exit(height: int, width: int, batch: int | str = "N") -> ModelProto:
    return make_model(
        [
            helper.make_node("Cast", ["frame"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["grey"], ["mean"], axes=[1, 2], keepdims=1),
            helper.make_node("Div", ["mean", "white"], ["scaled"]),
            helper.make_node("Tile", ["scaled", "twice"], ["features1"]),
            helper.make_node("Squeeze", ["scaled", "last"], ["brightness"]),
            *_exit_nodes("brightness", "p1"),
        ],
        [tensor("frame", TensorProto.UINT8, (batch, height, width))],
        [
            tensor("features1", TensorProto.FLOAT, (batch, 2, 2)),
            tensor("p1", TensorProto.FLOAT, (batch, 2)),
        ],
        {
            "white": np.array(255, np.float32),
            "twice": np.array([1, 2, 2]),
            "last": np.array([2]),
            "one": np.array(1, np.float32),
        },
    )


def last_exit(batch: int | str = "N") -> ModelProto:
    return make_model(
        [
            helper.make_node("ReduceMean", ["features1"], ["mean"], axes=[1, 2], keepdims=1),
            helper.make_node("Squeeze", ["mean", "last"], ["brightness"]),
            *_exit_nodes("brightness", "p2"),
        ],
        [tensor("features1", TensorProto.FLOAT, (batch, 2, 2))],
        [tensor("p2", TensorProto.FLOAT, (batch, 2))],
        {"last": np.array([2]), "one": np.array(1, np.float32)},
    )


def put_graphs(bundle: Bundle, graphs: dict[str, ModelProto | bytes]) -> Bundle:
    """Write the bundle anew with graphs in place of its stage files: stage name → graph."""
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    for stage in bundle.manifest.stages:
        graph = graphs[stage.name]
        files[stage.file] = graph if isinstance(graph, bytes) else graph.SerializeToString()
    return write_bundle(bundle.path, dataclasses.replace(bundle.manifest, files={}), files)


def segment_bundle(
    path: Path, *, height: int = 24, width: int = 32, batch: int | None = None, fit: Fit = "refuse"
) -> Bundle:
    bundle = fake_bundle(path, height=height, width=width, batch=batch, fit=fit)
    return put_graphs(bundle, {"segment": segmenter(height, width, batch or "N")})


def classify_bundle(path: Path, *, height: int = 8, width: int = 8, batch: int | None = None) -> Bundle:
    bundle = fake_bundle(path, task="classify", exits=2, height=height, width=width, batch=batch)
    size = batch or "N"
    return put_graphs(bundle, {"exit1": first_exit(height, width, size), "exit2": last_exit(size)})
