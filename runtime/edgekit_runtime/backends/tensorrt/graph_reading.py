"""Nodes, constants and opset of an ONNX graph, read from its bytes without the onnx package.

Only what `graph_checks` asks for. Nested graphs (If, Loop) are not looked into: edgekit exports none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edgekit_runtime.backends import onnx_wire

INT8 = 3
UINT8 = 2
"""Numbers of TensorProto.DataType."""

# Field numbers of onnx.proto.
_GRAPH, _OPSET_IMPORT = 7, 8
_NODE, _INITIALIZER = 1, 5
_DOMAIN, _VERSION = 1, 2
_INPUT, _OUTPUT, _NAME, _OPERATOR, _ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR = 1, 3, 5
_TENSOR_TYPE, _INT32_DATA, _TENSOR_NAME, _RAW_DATA = 2, 5, 8, 9


@dataclass
class Constant:
    """A tensor of the graph: its name, its number in TensorProto.DataType, and whether every value of it is 0."""

    name: str = ""
    data_type: int = 0
    is_zero: bool = True


@dataclass
class Node:
    """A node with what its attributes hold: integers by name, and tensors."""

    name: str = ""
    operator: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    integers: dict[str, int] = field(default_factory=dict)
    tensors: list[Constant] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Name and operator; the name of its output where it has none of its own."""
        return f"{self.name or ''.join(self.outputs[:1])!r} ({self.operator})"


@dataclass
class Graph:
    """What the bytes hold. `opset` is that of ONNX's own operators, None where it is not stated."""

    opset: int | None = None
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)


def read_graph(data: bytes) -> Graph:
    """Return what ONNX bytes hold.

    Raises:
        ValueError: If the bytes are no protobuf message, or a name in them is no text.
    """
    graph = Graph()
    for number, _, content in _walk(data):
        if number == _OPSET_IMPORT:
            domain, version = _read_opset(content)
            if domain in ("", "ai.onnx"):
                graph.opset = version
        elif number == _GRAPH:
            for part, _, inner in _walk(content):
                if part == _NODE:
                    graph.nodes.append(_read_node(inner))
                elif part == _INITIALIZER:
                    constant = _read_constant(inner)
                    graph.constants[constant.name] = constant
    for node in graph.nodes:
        if node.operator == "Constant" and node.tensors and node.outputs:
            graph.constants[node.outputs[0]] = node.tensors[0]
    return graph


def _read_opset(data: bytes) -> tuple[str, int]:
    domain, version = "", 0
    for number, value, content in _walk(data):
        if number == _DOMAIN:
            domain = _as_text(content)
        elif number == _VERSION:
            version = value
    return domain, version


def _read_node(data: bytes) -> Node:
    node = Node()
    for number, _, content in _walk(data):
        if number == _INPUT:
            node.inputs.append(_as_text(content))
        elif number == _OUTPUT:
            node.outputs.append(_as_text(content))
        elif number == _NAME:
            node.name = _as_text(content)
        elif number == _OPERATOR:
            node.operator = _as_text(content)
        elif number == _ATTRIBUTE:
            _read_attribute(content, node)
    return node


def _read_attribute(data: bytes, node: Node) -> None:
    name, integer = "", 0
    for number, value, content in _walk(data):
        if number == _ATTRIBUTE_NAME:
            name = _as_text(content)
        elif number == _ATTRIBUTE_INT:
            integer = value
        elif number == _ATTRIBUTE_TENSOR:
            node.tensors.append(_read_constant(content))
    node.integers[name] = integer


def _read_constant(data: bytes) -> Constant:
    constant = Constant()
    for number, value, content in _walk(data):
        if number == _TENSOR_NAME:
            constant.name = _as_text(content)
        elif number == _TENSOR_TYPE:
            constant.data_type = value
        elif number in (_INT32_DATA, _RAW_DATA) and (value or content.strip(b"\0")):
            constant.is_zero = False
    return constant


def _walk(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (field number, number, bytes); what the field does not hold is 0 or empty."""
    for number, wire_type, value, end in onnx_wire.read_fields(data, 0, len(data)):
        if wire_type == onnx_wire.LENGTH_DELIMITED:
            yield number, 0, data[value:end]
        else:
            yield number, value, b""


def _as_text(content: bytes) -> str:
    return content.decode("utf-8")  # a UnicodeDecodeError is a ValueError
