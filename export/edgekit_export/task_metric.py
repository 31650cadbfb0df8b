"""The last row of the parity table: does the task's metric stay the same?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.execution import ChainRunner
from edgekit_export.exits_taken import take_exits
from edgekit_export.passes.names import LOGITS, MASK, THRESHOLD
from edgekit_runtime.bundle import ParityCheck, StageInfo
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.masks import mask_of

Array = npt.NDArray[Any]

Predict = Callable[[Array], Array]
"""A camera's frame, (H, W) or (H, W, 3), to its mask, uint8 (H, W), or class probabilities, float32 (K,)."""

Evaluate = Callable[[Predict], Mapping[str, float]]
"""Runs a predictor over a data set and returns its metrics; the first is compared."""

LARGEST_DIFFERENCE = 0.001


class Predictors:
    """The network as two predictors, torch's and the exported one, that differ in nothing else.

    Args:
        run_torch: Frames (N, …) → every output by name.
        chain: The exported graphs.
        stages: What the manifest says about them.
        threshold: Default threshold of a segmenting bundle; None for a classifying one.
    """

    def __init__(
        self,
        run_torch: Callable[[Array], Mapping[str, Array]],
        chain: ChainRunner,
        stages: Sequence[StageInfo],
        threshold: float | None,
    ) -> None:
        self._run_torch = run_torch
        self._chain = chain
        self._stages = stages
        self._threshold = threshold
        self._shape, self._graph_type = tuple(stages[0].inputs[0].shape[1:]), stages[0].inputs[0].dtype

    def torch(self, frame: Array) -> Array:
        """Answer with the torch network."""
        outputs = self._run_torch(self._row(frame))
        if self._threshold is None:
            return self._answer(outputs)
        return np.asarray(mask_of(outputs[LOGITS], self._threshold)[0])

    def exported(self, frame: Array) -> Array:
        """Answer with the exported graphs."""
        if self._threshold is None:
            return self._answer(self._chain.run(self._row(frame)))
        return np.asarray(self._chain.run(self._row(frame), {THRESHOLD: self._threshold})[MASK][0])

    def _row(self, frame: Array) -> Array:
        wanted = "uint8" if self._graph_type == "uint8" else "uint16"
        if frame.dtype != wanted or frame.shape != self._shape:
            raise FrameError(
                f"The exported graphs take {wanted} {self._shape}, got {frame.dtype} {frame.shape}."
            )
        return frame[np.newaxis].astype(self._graph_type, copy=False)

    def _answer(self, outputs: Mapping[str, Array]) -> Array:
        """Return the probabilities of the exit that answers in the runtime."""
        [(_, answer)] = take_exits(self._stages, outputs)
        return answer


def measure_metric(evaluate: Evaluate, predict: Predict) -> tuple[str, float]:
    """Return the name and the value of the metric that counts.

    Raises:
        UsageProblem: If the evaluation returns no metric.
    """
    metrics = evaluate(predict)
    if not metrics:
        raise UsageProblem(
            "The evaluation returned no metric.", remedy="Return at least one, the main one first."
        )
    name = next(iter(metrics))
    return name, float(metrics[name])


def compare_metrics(name: str, torch: float, exported: float) -> ParityCheck:
    """Return the row that compares the metric of the network with that of the exported graphs."""
    difference = abs(torch - exported)
    detail = (
        f"torch {torch:.4f}, exported {exported:.4f}, difference {difference:.4f} (≤ {LARGEST_DIFFERENCE})"
    )
    return ParityCheck(f"task metric: {name}", difference <= LARGEST_DIFFERENCE, detail)
