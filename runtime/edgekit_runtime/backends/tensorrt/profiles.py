"""Optimisation profiles: the batches that an engine with a dynamic batch is compiled for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit_runtime.backends.tensorrt.exchange import Shapes
from edgekit_runtime.bundle.contract import BATCH, TensorInfo
from edgekit_runtime.bundle.contract_checks import MAX_BATCH
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True)
class Batches:
    """Frames per run that an engine takes: from `smallest` to `largest`, fastest with `tuned`.

    Raises:
        UsageProblem: Unless they rise, from 1 or more.
    """

    smallest: int
    tuned: int
    largest: int

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.tuned <= self.largest <= MAX_BATCH:
            raise UsageProblem(
                f"Batches must rise, from 1 to at most {MAX_BATCH}; got {self.smallest}, {self.tuned}, {self.largest}.",
                remedy="Name the smallest, the one to be fast with and the largest, such as 1, 4, 16.",
            )


def make_profile(inputs: Sequence[TensorInfo], batches: Batches | None) -> Shapes:
    """Return the shapes of the inputs that depend on the batch; empty where it is fixed.

    Raises:
        UsageProblem: If the batch is dynamic and no batches are given, or fixed and some are.
    """
    dynamic = [tensor for tensor in inputs if BATCH in tensor.shape]
    if bool(dynamic) != (batches is not None):
        raise UsageProblem(
            "The batch of this graph is dynamic, and an engine is compiled for named batches."
            if dynamic
            else "The batch of this graph is fixed: an engine takes that one alone.",
            remedy="Name the smallest, the tuned and the largest batch, or export with a fixed one (--batch 1)."
            if dynamic
            else "Leave the batches out.",
        )
    if batches is None:
        return {}
    rows = (batches.smallest, batches.tuned, batches.largest)
    return {
        tensor.name: tuple(
            tuple(row if size == BATCH else int(size) for size in tensor.shape) for row in rows
        )
        for tensor in dynamic
    }
