"""From a rewritten graph to a program, operator by operator; no network is known here.

Cast → Unsqueeze → Mul → Sub, then Conv or ConvTranspose, each followed by LeakyRelu, Relu or nothing, Concat of two,
and at the end a 1×1 Conv → Squeeze → Less → Not → Cast. Whatever else a graph holds leaves it without a program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.fusing.borders import match_frame, match_mask
from edgekit_export.fusing.convolutions import read_convolution
from edgekit_export.fusing.naming import name_operations
from edgekit_export.fusing.program import NoProgram, Program
from edgekit_export.passes import editing
from edgekit_runtime.bundle import OperationInfo, ProgramInfo
from edgekit_runtime.bundle.program_checks import FRAME, ProgramFault, measure_tensors

Array = npt.NDArray[Any]

CONVOLUTIONS = ("Conv", "ConvTranspose")
ACTIVATIONS = ("LeakyRelu", "Relu")
OPERATORS = (*CONVOLUTIONS, *ACTIVATIONS, "Concat")


def match_program(graph: ir.Graph, *, file: str, size: tuple[int, int]) -> Program:
    """Return the graph as a program.

    Args:
        graph: A stage after its passes, without a rewrite that a caller chose.
        file: Name of the file of weights.
        size: (height, width) of the frame.

    Raises:
        NoProgram: If it has no such form.
    """
    entry, end = match_frame(graph), match_mask(graph)
    matcher = _Matcher(entry.image, end.logits, entry.power)
    nodes = [node for node in graph if node not in entry.nodes | end.nodes]
    strange = next((node for node in nodes if node.op_type not in OPERATORS), None)
    if strange is not None:
        raise NoProgram(f"the operator {strange.op_type} ({strange.name})")
    convolutions = [node for node in nodes if node.op_type in CONVOLUTIONS]
    names = name_operations([str(node.name) for node in convolutions])
    matcher.names = dict(zip(convolutions, names, strict=True))
    for node in nodes:
        matcher.add_node(node)
    info = ProgramInfo(file, entry.shift, tuple(matcher.operations))
    try:
        measure_tensors(info, *size)
    except ProgramFault as error:
        raise NoProgram(f"a form that a program cannot have: it {error}") from error
    return Program(info, matcher.weights)


class _Matcher:
    """Goes through the nodes in order and remembers which tensors each value stands for."""

    def __init__(self, image: ir.Value, logits: ir.Value, power: float) -> None:
        self.names: dict[ir.Node, str] = {}
        self.operations: list[OperationInfo] = []
        self.weights: dict[str, Array] = {}
        self._logits = logits
        self._power = np.float32(power)
        self._tensors: dict[ir.Value, tuple[str, ...]] = {image: (FRAME,)}
        self._activations: set[ir.Node] = set()

    def add_node(self, node: ir.Node) -> None:
        if node.op_type in CONVOLUTIONS:
            self._add_convolution(node)
        elif node.op_type == "Concat":
            self._add_concatenation(node)
        elif node not in self._activations:
            raise NoProgram(f"a {node.op_type} of what others take without it ({node.name})")

    def _add_convolution(self, node: ir.Node) -> None:
        activation = _find_activation(node)
        result = (activation or node).outputs[0]
        found = read_convolution(node, ends=result is self._logits)
        name, inputs = self.names[node], self._find_tensors(node, 0)
        self.operations.append(
            OperationInfo(
                name=name,
                kind=found.kind,
                inputs=inputs,
                channels=len(found.bias),
                stride=found.stride,
                negative_slope=_read_slope(activation),
            )
        )
        # The frame's power of two goes into the weights; like itself it rounds nothing.
        self.weights[f"{name}.weight"] = found.weight * self._power if inputs == (FRAME,) else found.weight
        self.weights[f"{name}.bias"] = found.bias
        self._tensors[result] = (name,)
        if activation is not None:
            self._activations.add(activation)

    def _add_concatenation(self, node: ir.Node) -> None:
        parts = tuple(name for index in range(len(node.inputs)) for name in self._find_tensors(node, index))
        if editing.int_attribute(node, "axis", 0) not in (1, -3) or len(parts) != 2:
            raise NoProgram(f"a concatenation other than of two tensors' channels ({node.name})")
        self._tensors[node.outputs[0]] = parts

    def _find_tensors(self, node: ir.Node, index: int) -> tuple[str, ...]:
        value = node.inputs[index]
        tensors = self._tensors.get(value) if value is not None else None
        if tensors is None:
            raise NoProgram(f"a {node.op_type} of what is no result of a convolution ({node.name})")
        return tensors


def _find_activation(node: ir.Node) -> ir.Node | None:
    follower = editing.only_consumer(node.outputs[0])
    return follower if follower is not None and follower.op_type in ACTIVATIONS else None


def _read_slope(activation: ir.Node | None) -> float:
    if activation is None:
        return 1.0
    # The operator's own default is 0.01.
    return 0.0 if activation.op_type == "Relu" else editing.float_attribute(activation, "alpha", 0.01)
