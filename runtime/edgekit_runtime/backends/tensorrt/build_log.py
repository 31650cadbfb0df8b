"""The layers of an engine, from the log of its build, as TensorRT-RTX 1.7 writes it.

The log lists one set of layers however many targets an engine has: that of the oldest target, which all others then
run. (Found by building for each alone and for several: SM 75 and 86 together have the layers of 75, 86, 89 and 120
together those of 86.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit_runtime.errors import EdgekitError

Shape = tuple[int, ...]
"""Sizes; -1 for the dynamic batch."""


@dataclass(frozen=True)
class EngineTensor:
    """A tensor of an engine; `dtype` is TensorRT's name, such as "Float", "Half" or "Int8"."""

    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True)
class EngineLayer:
    """A step of an engine: a kernel, or what keeps two streams in order.

    Attributes:
        name: As the log has it. Generated kernels are named for what they do ("__myl_CorrMulMax_myl0_1").
        kind: TensorRT's word, such as "correlation", "deconv", "gemm", "runtime_fusion" or "kgen".
        inputs: Without constants.
        constants: Weights and the like.
        outputs: What it gives.
        onnx_nodes: Names of the ONNX nodes that it does, or does a part of.
    """

    name: str
    kind: str
    inputs: tuple[EngineTensor, ...]
    constants: tuple[EngineTensor, ...]
    outputs: tuple[EngineTensor, ...]
    onnx_nodes: tuple[str, ...]


@dataclass(frozen=True)
class BuildLog:
    """What a build says about its engine: the layers in their order, and the tensors that go in and come out."""

    layers: tuple[EngineLayer, ...]
    inputs: tuple[EngineTensor, ...]
    outputs: tuple[EngineTensor, ...]


_LAYER = re.compile(
    r"Name: (?P<name>.+), LayerType: (?P<kind>\w+), Inputs: \[(?P<inputs>.*)\], Constants: \[(?P<constants>.*)\], "
    r"Outputs: \[(?P<outputs>.*)\], TacticName: .*?, StreamId: \d+, (?:EventId: \d+, )?Metadata: (?P<metadata>.*)"
)
_TENSOR = re.compile(
    r" ?\{ Name: (?P<name>[^{}]+?), Dimensions: \[(?P<shape>[-\d,]*)\], "
    r"Strides: \[[-\d,]*\], StrideOrder: \[[-\d,]*\], Datatype: (?P<dtype>\w+), Format: [^}]*\}(?:,|$)"
)
_BINDING = re.compile(
    r" Name: (?P<name>.+), IOMode: (?P<mode>Input|Output), DataType: (?P<dtype>\w+), "
    r"Dimensions: \[(?P<shape>[-\d,]*)\], Location: .*"
)
_HEAD, _BINDINGS, _END = "Layers:", "I/O Tensors:", "Engine Metadata:"
_ONNX = re.compile(r"\[ONNX Layer: (.*)\](?:__\w+)?")
_SEPARATOR = "\x1f"
"""Between the entries of a layer's metadata: a name may hold any bracket."""


def parse_build_log(lists: Sequence[str]) -> BuildLog:
    """Return what the log says.

    Args:
        lists: Every message of the log that lists layers: one, for one engine.

    Raises:
        EdgekitError: If the log is not written as the release that this was made for writes it. Nothing is passed over.
    """
    if len(lists) != 1:
        raise _unreadable(f"it holds {len(lists)} lists of layers and not one")
    lines = lists[0].split("\n")
    if _BINDINGS not in lines or _END not in lines or lines[0] != _HEAD:
        raise _unreadable(f"its list of layers lacks one of {_HEAD!r}, {_BINDINGS!r} and {_END!r}")
    middle, end = lines.index(_BINDINGS), lines.index(_END)
    layers = tuple(_parse_layer(line) for line in lines[1:middle] if line)
    bindings = [_match(_BINDING, line) for line in lines[middle + 1 : end] if line]
    return BuildLog(
        layers,
        tuple(_make_tensor(found) for found in bindings if found["mode"] == "Input"),
        tuple(_make_tensor(found) for found in bindings if found["mode"] == "Output"),
    )


def _parse_layer(line: str) -> EngineLayer:
    found = _match(_LAYER, line)
    entries = found["metadata"].split(_SEPARATOR) if found["metadata"] else []
    return EngineLayer(
        name=found["name"],
        kind=found["kind"],
        inputs=_parse_tensors(found["inputs"]),
        constants=_parse_tensors(found["constants"]),
        outputs=_parse_tensors(found["outputs"]),
        onnx_nodes=tuple(_match(_ONNX, entry)[1] for entry in entries),
    )


def _parse_tensors(text: str) -> tuple[EngineTensor, ...]:
    tensors, position = [], 0
    while position < len(text):
        found = _TENSOR.match(text, position)
        if found is None:
            raise _unreadable(f"no tensor can be read from {text[position : position + 80]!r}")
        tensors.append(_make_tensor(found))
        position = found.end()
    return tuple(tensors)


def _make_tensor(found: re.Match[str]) -> EngineTensor:
    shape = tuple(int(size) for size in found["shape"].split(",") if size)
    return EngineTensor(found["name"], found["dtype"], shape)


def _match(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise _unreadable(f"it holds the line {line[:120]!r}")
    return found


def _unreadable(what: str) -> EdgekitError:
    return EdgekitError(
        f"The log of the build cannot be read: {what}.",
        remedy="Install the release of TensorRT-RTX that edgekit's constraints name, or report this with its version.",
    )
