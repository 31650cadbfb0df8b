"""Early exit inside one ONNX graph, by nested `If`: what the staged runtime is compared with. Nothing ships this way.

It takes one frame at a time: an `If` has one condition for a whole batch. It is for ONNX Runtime, which runs only the
branch that is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgekit_export.joining import StagePart, describe_value, make_model, read_parts
from edgekit_runtime.bundle import Bundle, TensorInfo
from edgekit_runtime.errors import UsageProblem

THRESHOLDS = "thresholds"
PROBABILITIES = "probabilities"
EXIT = "exit"


@dataclass(frozen=True, eq=False)
class _Body:
    """What runs from a stage on: a graph, or a branch of one.

    Attributes:
        nodes: In an order in which they can run.
        weights: Initialisers. They stand in the branch that takes them, where ONNX Runtime lays them out as it likes.
        answer: Name of the probabilities that answer.
        taken: Name of the number of the stage that gave them.
    """

    nodes: tuple[onnx.NodeProto, ...]
    weights: tuple[onnx.TensorProto, ...]
    answer: str
    taken: str


def build_conditional(bundle: Bundle) -> bytes:
    """Return one graph, ONNX bytes, that ends at the exit which answers.

    Its inputs are the frame, with a batch of 1, and `thresholds`, float32 (stages − 1,): the confidence from which each
    stage but the last answers. One above 1 never does and one of 0 always, so that exits can be replayed; a row with
    NaN is not confident. What stands there for a stage without an exit is not looked at. Its outputs are
    `probabilities`, float32 (1, classes), and `exit`, int64 (1,): the 1-based number of the stage that answered.

    Args:
        bundle: One that classifies, of a dynamic batch or a batch of 1; its own files stay as they are.

    Raises:
        UsageProblem: If the bundle has one stage, or is fixed to a larger batch.
        ArtefactRefused: If a file of the bundle is damaged.
    """
    manifest = bundle.manifest
    if len(manifest.stages) < 2:
        raise UsageProblem(
            f"{manifest.name} has one stage: there is nothing to leave out.",
            remedy="Take a bundle with early exits, such as one of dinet.",
        )
    if manifest.input.batch not in (None, 1):
        raise UsageProblem(
            f"{manifest.name} runs {manifest.input.batch} frames at once; a conditional graph runs one.",
            remedy="Export it with a dynamic batch.",
        )
    parts = read_parts(bundle)
    body = _make_body(parts, 0)
    frame = manifest.stages[0].inputs[0]
    inputs = (
        TensorInfo(frame.name, frame.dtype, (1, *frame.shape[1:])),
        TensorInfo(THRESHOLDS, "float32", (len(parts) - 1,)),
    )
    outputs = (
        TensorInfo(PROBABILITIES, "float32", (1, len(manifest.model.classes))),
        TensorInfo(EXIT, "int64", (1,)),
    )
    graph = helper.make_graph(
        [*body.nodes, _name(body.answer, PROBABILITIES), _name(body.taken, EXIT)],
        "conditional",
        [describe_value(tensor) for tensor in inputs],
        [describe_value(tensor) for tensor in outputs],
        initializer=body.weights,
    )
    return make_model(graph, parts[0].opset)


def _make_body(parts: Sequence[StagePart], index: int) -> _Body:
    part = parts[index]
    stem = part.info.name
    number = numpy_helper.from_array(np.array([index + 1]), f"{stem}/number")
    if index == len(parts) - 1:
        return _Body(part.nodes, (*part.weights, number), part.answer, number.name)
    rest = _make_body(parts, index + 1)
    if part.info.exit is None:
        return _Body(part.nodes + rest.nodes, part.weights + rest.weights, rest.answer, rest.taken)
    place = numpy_helper.from_array(np.array(index), f"{stem}/place")
    answer, taken = f"{stem}/found", f"{stem}/taken"
    choice = helper.make_node(
        "If",
        [f"{stem}/sure"],
        [answer, taken],
        then_branch=_make_branch(_Body((), (number,), part.answer, number.name), f"{stem}/here"),
        else_branch=_make_branch(rest, f"{stem}/on"),
    )
    nodes = (*part.nodes, *_make_gate(part.answer, place.name, stem), choice)
    return _Body(nodes, (*part.weights, place), answer, taken)


def _make_gate(answer: str, place: str, stem: str) -> list[onnx.NodeProto]:
    """Return the nodes of `edgekit_runtime.exits`' rule: the largest probability, NaN where any is not finite."""
    largest, total, nothing = f"{stem}/largest", f"{stem}/total", f"{stem}/nothing"
    confidence, threshold = f"{stem}/confidence", f"{stem}/threshold"
    return [
        helper.make_node("ReduceMax", [answer], [largest], keepdims=0),
        helper.make_node("ReduceSum", [answer], [total], keepdims=0),
        helper.make_node("Sub", [total, total], [nothing]),  # NaN of what is not finite, else 0
        helper.make_node("Add", [largest, nothing], [confidence]),
        helper.make_node("Gather", [THRESHOLDS, place], [threshold]),
        helper.make_node("GreaterOrEqual", [confidence, threshold], [f"{stem}/sure"]),
    ]


def _make_branch(body: _Body, name: str) -> onnx.GraphProto:
    """Return a branch; what it gives has names of its own, for values of the graph around it may not be its outputs."""
    outputs = (f"{name}/answer", f"{name}/taken")
    return helper.make_graph(
        [*body.nodes, _name(body.answer, outputs[0]), _name(body.taken, outputs[1])],
        name,
        [],
        [
            helper.make_tensor_value_info(outputs[0], onnx.TensorProto.FLOAT, None),
            helper.make_tensor_value_info(outputs[1], onnx.TensorProto.INT64, None),
        ],
        initializer=body.weights,
    )


def _name(value: str, name: str) -> onnx.NodeProto:
    return helper.make_node("Identity", [value], [name])
