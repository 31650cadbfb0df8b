"""What the library objects to, as an error that names the node and says what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgekit_runtime.backends.tensorrt.exchange import Problem
from edgekit_runtime.errors import ArtefactRefused

_INTEGER_OPERATORS = (
    "ConvInteger",
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
)
_MIXED_TYPES = "must be of same type"
_LONGEST = 300
# "ITensor::getDimensions: Error Code 4: API Usage Error (…)" says nothing to a reader before the bracket.
_PREAMBLE = re.compile(r"^(?:[\w:]+: )?(?:Error Code \d+: )?(?:API Usage Error )?")
_PLACE = re.compile(r" In \w+ at /\S+")


def refuse(problems: Sequence[Problem], compiler: str, targets: Sequence[int], stage: str) -> ArtefactRefused:
    """Return the error for a graph that could not be compiled.

    Args:
        problems: One or more; the first is the cause of the others.
        compiler: Name and release of the library.
        targets: Compute capabilities.
        stage: What to call the graph.
    """
    problem = problems[0]
    if problem.phase == "inputs":
        return ArtefactRefused(
            f"The manifest does not describe {stage}: {problem.text}.",
            remedy="Export the bundle anew with `edgekit export`.",
        )
    if problem.phase == "build":
        return ArtefactRefused(
            f"{compiler} cannot compile {stage} for SM {', '.join(map(str, targets))}: {_shorten(problem.text)}.",
            remedy="Compile for other compute capabilities, or keep what it names in another precision.",
        )
    node = f"node {problem.node!r} ({problem.operator}) of {stage}" if problem.operator else stage
    if not problem.is_known:
        return ArtefactRefused(
            f"{compiler} has no operator {problem.operator}, which {node} needs.",
            remedy="Quantise with QuantizeLinear and DequantizeLinear around float operators: "
            "`edgekit export --precision int8` does."
            if problem.operator in _INTEGER_OPERATORS
            else "Build the network without it.",
        )
    if _MIXED_TYPES in problem.text:
        return ArtefactRefused(
            f"{compiler} does not take {node}: its input and its weights are of different types.",
            remedy="Lower both: `edgekit export --precision fp16` does.",
        )
    return ArtefactRefused(
        f"{compiler} does not take {node}: {_shorten(problem.text)}.",
        remedy="Change the network so that it fits. If edgekit exported it as it is, please report it.",
    )


def _shorten(text: str) -> str:
    """Return the first line that says something, printable and without the place in NVIDIA's source."""
    lines = [line for line in text.splitlines() if line.strip() and "Cuda Runtime" not in line]
    line = lines[0] if lines else "no reason given"
    line = _PLACE.sub("", _PREAMBLE.sub("", line)).strip("(). ")
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
