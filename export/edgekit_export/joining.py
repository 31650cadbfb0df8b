"""The stages of a bundle in one graph that runs all of them: what early exit is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from edgekit_export.graph_io import IR_VERSIONS, PRODUCER, find_opset
from edgekit_runtime.bundle import Bundle, StageInfo, TensorInfo
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True, eq=False)
class StagePart:
    """A stage for a larger graph: every name that it defines begins with the stage's own, which is unique.

    Attributes:
        info: The stage.
        nodes: In an order in which they can run.
        weights: Its initialisers.
        outputs: Name of an output in the bundle → its name here, under which the next stage takes it.
        opset: Version of ONNX's operators that it is written in.
    """

    info: StageInfo
    nodes: tuple[onnx.NodeProto, ...]
    weights: tuple[onnx.TensorProto, ...]
    outputs: Mapping[str, str]
    opset: int

    @property
    def answer(self) -> str:
        """Name here of the probabilities of its exit."""
        assert self.info.exit is not None
        return self.outputs[self.info.exit.output]


def join_stages(bundle: Bundle) -> bytes:
    """Return one graph, ONNX bytes, that runs every stage: frames → the probabilities of every exit by their names.

    Args:
        bundle: One that classifies; its own files stay as they are.

    Raises:
        UsageProblem: If the bundle segments.
        ArtefactRefused: If a file of the bundle is damaged.
    """
    parts = read_parts(bundle)
    nodes = [node for part in parts for node in part.nodes]
    answers = []
    for part in parts:
        if part.info.exit is not None:
            name = part.info.exit.output
            answers.append(next(tensor for tensor in part.info.outputs if tensor.name == name))
            nodes.append(helper.make_node("Identity", [part.answer], [name]))
    graph = helper.make_graph(
        nodes,
        "joined",
        [describe_value(parts[0].info.inputs[0])],
        [describe_value(tensor) for tensor in answers],
        initializer=[tensor for part in parts for tensor in part.weights],
    )
    return make_model(graph, parts[0].opset)


def read_parts(bundle: Bundle) -> tuple[StagePart, ...]:
    """Return the stages of a bundle as parts of a larger graph; errors as for `join_stages`."""
    manifest = bundle.manifest
    if manifest.model.task != "classify":
        raise UsageProblem(
            f"{manifest.name} segments: it is one graph already.",
            remedy="Take a bundle with early exits, such as one of dinet.",
        )
    parts: list[StagePart] = []
    for info in manifest.stages:
        before = parts[-1].outputs if parts else {}
        parts.append(_make_part(info, bundle.read(info.file), before))
    return tuple(parts)


def describe_value(tensor: TensorInfo) -> onnx.ValueInfoProto:
    """Return what a graph says about an input or output; the batch keeps its symbol."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return helper.make_tensor_value_info(tensor.name, kind, list(tensor.shape))


def make_model(graph: onnx.GraphProto, opset: int) -> bytes:
    """Return ONNX bytes of a graph that was checked."""
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSIONS[opset]
    )
    model.producer_name = PRODUCER
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _make_part(info: StageInfo, data: bytes, before: Mapping[str, str]) -> StagePart:
    graph = onnx.ModelProto.FromString(data).graph
    names = {"": ""}  # an optional input that is left out
    names.update((value.name, before.get(value.name, value.name)) for value in graph.input)
    defined = [tensor.name for tensor in graph.initializer] + [
        name for node in graph.node for name in node.output
    ]
    names.update((name, f"{info.name}/{name}") for name in defined if name)
    for node in graph.node:
        node.name = f"{info.name}/{node.name}"
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    outputs = {value.name: names[value.name] for value in graph.output}
    return StagePart(info, tuple(graph.node), tuple(graph.initializer), outputs, find_opset(data))
