"""A program with its weights, and the refusal of a graph that has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from edgekit_runtime.bundle import ProgramInfo

Array = npt.NDArray[Any]


class NoProgram(Exception):
    """The graph has no form as a program; the message names what is in the way, such as "a 5×5 convolution"."""


@dataclass(frozen=True)
class Program:
    """A stage as operations.

    Attributes:
        info: What the manifest says.
        weights: What its file holds, float32: NAME.weight and NAME.bias of each operation, in their order.
    """

    info: ProgramInfo
    weights: dict[str, Array] = field(repr=False)
