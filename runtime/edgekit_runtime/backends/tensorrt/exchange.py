"""What a build asks of the process that compiles, and what that answers: one line of JSON, then bytes.

The dataclasses are the protocol; `bundle.decoding` checks each side's words as it checks a manifest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from edgekit_runtime.bundle.contract import TensorInfo
from edgekit_runtime.bundle.decoding import DecodingError, decode, encode

T = TypeVar("T")

Shapes = dict[str, tuple[tuple[int, ...], ...]]
"""Input → its smallest, tuned and largest shape."""


@dataclass(frozen=True)
class Request:
    """Compile the graph that follows.

    Attributes:
        module: Import name of the library's bindings.
        targets: Compute capabilities.
        inputs: What the graph must take.
        profile: Shapes of the inputs that depend on the batch; empty where none does.
    """

    module: str
    targets: tuple[int, ...]
    inputs: tuple[TensorInfo, ...]
    profile: Shapes


@dataclass(frozen=True)
class Problem:
    """What the library objects to.

    Attributes:
        phase: Where: reading the graph, comparing its inputs with the request, or compiling.
        node: Name of the ONNX node; "" where the library names none.
        operator: Its operator.
        is_known: Whether the library has such an operator.
        text: The library's own words.
    """

    phase: Literal["parse", "inputs", "build"]
    node: str
    operator: str
    is_known: bool
    text: str


@dataclass(frozen=True)
class Answer:
    """What became of a request; the engine follows where there is no problem.

    Attributes:
        problems: In the library's order.
        version: Release of the library.
        layer_lists: Every message of its log that lists an engine's layers.
    """

    problems: tuple[Problem, ...]
    version: str
    layer_lists: tuple[str, ...]


def pack(head: Request | Answer, body: bytes) -> bytes:
    """Return both as bytes."""
    return json.dumps(encode(head)).encode("ascii") + b"\n" + body


def unpack(cls: type[T], data: bytes) -> tuple[T, bytes]:
    """Return what was packed.

    Raises:
        ValueError: If the bytes are nothing that was packed.
    """
    line, newline, body = data.partition(b"\n")
    if not newline:
        raise ValueError("no line ends")
    content: Any = json.loads(line)
    try:
        return decode(cls, content, cls.__name__), body
    except DecodingError as error:
        raise ValueError(str(error)) from error
