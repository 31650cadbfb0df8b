"""What a graph pass is: it states what it needs, what it changes, what it ensures and how exact it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes import InPlacePass, PassResult, PostconditionError, PreconditionError

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]
"""Graph input name → array."""


@dataclass(frozen=True)
class Tolerance:
    """How far a pass may move an output, as a fraction of the output's own size; 0 is bit-exact.

    Attributes:
        relative: The fraction.
        reason: Why so much.
        norm: What is compared: the largest magnitudes, or the root mean squares, where single values may jump.
    """

    relative: float
    reason: str
    norm: Literal["largest", "root mean square"] = "largest"


EXACT = Tolerance(0.0, "the arithmetic is the same")
ROUNDING = Tolerance(
    1e-4,
    "the sums are the same but are rounded in another order: 2^-24 a term, a few hundred terms and some tens "
    "of layers stay below 1e-4, and a misplaced weight or border does not",
)


class GraphPass(InPlacePass):
    """A rewrite of one graph, verified by `edgekit_export.passes.driver`.

    Attributes:
        name: What errors call it.
        changes: What it does, in one sentence.
        tolerance: How far the outputs may move.
    """

    name: ClassVar[str]
    changes: ClassVar[str]
    tolerance: ClassVar[Tolerance]

    def call(self, model: ir.Model) -> PassResult:
        """Apply the rewrite; onnx_ir's entry point."""
        return PassResult(model, self.rewrite(model.graph))

    @abstractmethod
    def rewrite(self, graph: ir.Graph) -> bool:
        """Change the graph in place and return whether anything changed."""

    def feeds_before(self, feeds: Feeds) -> Feeds:
        """Return what the graph before the pass is fed, given what the graph after it is fed."""
        return feeds

    def expected(self, outputs: Feeds, feeds: Feeds) -> Feeds:
        """Return what the graph after the pass must answer.

        Args:
            outputs: What the graph before the pass answered.
            feeds: What the graph after the pass is fed.
        """
        del feeds
        return outputs


def require(condition: bool, message: str) -> None:
    """Raise PreconditionError with the message unless the condition holds."""
    if not condition:
        raise PreconditionError(message)


def ensure(condition: bool, message: str) -> None:
    """Raise PostconditionError with the message unless the condition holds."""
    if not condition:
        raise PostconditionError(message)


def as_float32(array: Array) -> npt.NDArray[np.float32]:
    """Round a float64 result to float32 once."""
    return np.ascontiguousarray(array, dtype=np.float32)
