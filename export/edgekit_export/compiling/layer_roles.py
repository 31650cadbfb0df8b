"""What a layer of an engine is there for, told by its kind, its name and the ONNX nodes that it names.

TensorRT-RTX names the kernels that it generates for what they do: "__myl_MoveReshConcResh_myl0_4" moves, reshapes,
concatenates and reshapes. A kernel of such words alone computes nothing of the network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from edgekit_runtime.backends.tensorrt.build_log import EngineLayer

Role = Literal["compute", "requantise", "cast", "padding", "reformat", "control"]
"""compute: a part of the network. requantise: int8 to float and back, nothing else. cast: one float type to another.
padding: a group or a channel count filled up. reformat: the same values in another order. control: no kernel at all."""

ROLES: tuple[Role, ...] = ("compute", "requantise", "cast", "padding", "reformat", "control")

_CONTROL = ("signal", "wait", "shape_call")
_GENERATED = ("kgen", "runtime_function")
_WORDS = re.compile(r"__myl_([A-Za-z]+)_myl\d+_\d+")
_MOVES = {"Conc", "Move", "Repl", "Resh", "Slic", "Tran"}
_SCALES = {"Cast", "Max", "Min", "Mul", "Roun"}
_QUANTISERS = {"DequantizeLinear", "QuantizeLinear"}
_JOINERS = {"Concat", "Pad"}
_MOVERS = _JOINERS | {
    "DepthToSpace",
    "Flatten",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}


def is_generated(layer: EngineLayer) -> bool:
    """Return whether a layer is a generated kernel for what stands between convolutions and matrix products."""
    return layer.kind in _GENERATED


def find_role(layer: EngineLayer, operators: Mapping[str, str]) -> Role:
    """Return what a layer is there for.

    Args:
        layer: As the log of the build has it.
        operators: ONNX node → operator.
    """
    if layer.kind in _CONTROL:
        return "control"
    found = _WORDS.fullmatch(layer.name)
    if not is_generated(layer) or found is None:
        return "compute"
    words = set(re.findall("[A-Z][a-z]*", found[1]))
    named = {operators[node] for node in layer.onnx_nodes if node in operators}
    if words <= _MOVES:
        return "padding" if "Conc" in words and not named & _JOINERS else "reformat"
    if words <= _MOVES | {"Cast"} and not named & _QUANTISERS:
        return "cast"
    if words <= _MOVES | _SCALES and named & _QUANTISERS and named <= _QUANTISERS | _MOVERS:
        return "requantise"
    return "compute"
