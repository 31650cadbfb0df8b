"""Exit policies: which rows of a batch an early exit answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.manifest import Manifest
from edgekit_runtime.errors import UsageProblem

Probabilities = npt.NDArray[np.float32]
Decisions = npt.NDArray[np.bool_]

_THRESHOLDS_WANTED = "Pass one confidence per stage, 0 to 1, such as ThresholdExits([0.8, 0.7, 0.6, 0.5])."
_EXITS_WANTED = "Pass the exits that results named: ReplayExits(result.exit for result in results)."

_FEW_VALUES = 128
"""Up to so many probabilities Python is as fast as NumPy in looking at them, or faster."""


class ExitPolicy(Protocol):
    """Decides at every exit but the last, which answers whatever is left. Any such function is a policy.

    What it is shown cannot be written to.
    """

    def __call__(
        self, stage: int, name: str, probabilities: Probabilities, rows: npt.NDArray[np.intp], /
    ) -> Any:
        """Return which rows are answered here, bool (n,).

        Args:
            stage: 0-based number of the stage.
            name: Its name.
            probabilities: float32 (n, classes) of the rows that are still undecided.
            rows: Their numbers in the batch, (n,), each once, in any order; as `probabilities`, in that order.
        """
        ...


class ThresholdExits:
    """Answers the rows whose largest probability is at least the threshold of the stage.

    The last threshold answers nothing: it says which rows are marked `low_confidence`.

    Args:
        thresholds: One per stage, 0 to 1; None for a stage without an exit.

    Raises:
        UsageProblem: If a threshold is not a number from 0 to 1.
    """

    def __init__(self, thresholds: Iterable[float | None]) -> None:
        if isinstance(thresholds, str) or not isinstance(thresholds, Iterable):
            raise UsageProblem(
                f"Exit thresholds come as a list, one per stage; got {thresholds!r}.",
                remedy=_THRESHOLDS_WANTED,
            )
        self.thresholds = tuple(thresholds)
        for value in self.thresholds:
            # The comparison is false for NaN, too.
            if value is not None and not (isinstance(value, Real) and 0.0 <= value <= 1.0):
                raise UsageProblem(
                    f"An exit's threshold must be from 0 to 1, got {value!r}.", remedy=_THRESHOLDS_WANTED
                )
        # As the graph's probabilities are: 0.7 is answered where float32 holds the nearest number to it.
        # NaN is below no probability, so that nothing is answered where there is no exit.
        self.levels = tuple(
            math.nan if value is None else float(np.float32(value)) for value in self.thresholds
        )

    @classmethod
    def of(cls, manifest: Manifest) -> ThresholdExits:
        """Return the policy that the bundle itself asks for."""
        return cls(stage.exit.threshold if stage.exit is not None else None for stage in manifest.stages)

    def __call__(
        self, stage: int, _name: str, probabilities: Probabilities, _rows: npt.NDArray[np.intp], /
    ) -> Decisions:
        """Return which rows are answered here, bool (n,)."""
        answered: Decisions = confidence(probabilities) >= self.levels[stage]
        return answered

    def check(self, manifest: Manifest, _frames: int, /) -> None:
        """Raise UsageProblem unless there is one threshold per stage of the bundle, for each that has an exit."""
        if len(self.thresholds) != len(manifest.stages):
            raise UsageProblem(
                f"{len(manifest.stages)} exit thresholds are needed, got {len(self.thresholds)}.",
                remedy=_THRESHOLDS_WANTED,
            )
        for stage, threshold in zip(manifest.stages, self.thresholds, strict=True):
            if stage.exit is not None and threshold is None:
                raise UsageProblem(
                    f"Stage {stage.name!r} has an exit and was given no threshold.", remedy=_THRESHOLDS_WANTED
                )


class ReplayExits:
    """Answers every frame of a batch at the exit that a list says, such as one recorded before.

    Args:
        exits: 1-based number of the stage that answers, one per frame of the batch.

    Raises:
        UsageProblem: If the list is empty or holds something else than numbers from 1 on.
    """

    def __init__(self, exits: Iterable[int]) -> None:
        array = np.asarray(list(exits))
        if array.ndim != 1 or not array.size or array.dtype.kind not in "iu" or int(array.min()) < 1:
            raise UsageProblem(
                f"Exits to replay must be whole numbers from 1 on, one per frame; got {array.tolist()!r:.60}.",
                remedy=_EXITS_WANTED,
            )
        self.exits: npt.NDArray[np.int64] = array.astype(np.int64)

    def __call__(
        self, stage: int, _name: str, _probabilities: Probabilities, rows: npt.NDArray[np.intp], /
    ) -> Decisions:
        """Return which rows are answered here, bool (n,)."""
        return np.asarray(self.exits[rows] == stage + 1)

    def check(self, manifest: Manifest, frames: int, /) -> None:
        """Raise UsageProblem unless there is one existing exit per frame."""
        if len(self.exits) != frames:
            raise UsageProblem(
                f"{len(self.exits)} exits to replay do not fit a batch of {frames} frames.",
                remedy=_EXITS_WANTED,
            )
        known = {number for number, stage in enumerate(manifest.stages, 1) if stage.exit is not None}
        unknown = sorted(set(self.exits.tolist()) - known)
        if unknown:
            raise UsageProblem(
                f"The bundle has no exit {unknown[0]}; it has {', '.join(map(str, sorted(known)))}.",
                remedy=_EXITS_WANTED,
            )


def skip_exits(
    _stage: int, _name: str, probabilities: Probabilities, _rows: npt.NDArray[np.intp], /
) -> Decisions:
    """Policy that answers nothing early: every frame goes through all stages, and the last exit answers it."""
    return np.zeros(len(probabilities), np.bool_)


class GatedRows(NamedTuple):
    """Which exit answers each row.

    Attributes:
        places: Index of the exit among all exits, (N,).
        low_confidence: Whether it is the last one, and below its threshold; bool (N,).
    """

    places: npt.NDArray[np.intp]
    low_confidence: Decisions


def gate_rows(confidences: Probabilities, thresholds: Iterable[float]) -> GatedRows:
    """Return what is decided about rows that went through every exit: the first that is sure answers, else the last.

    This is `ThresholdExits`, with what the runtime does at the last exit, for answers that were recorded.

    Args:
        confidences: `confidence` of what each exit says, float32 (N, exits), in the order of the exits.
        thresholds: One per exit, 0 to 1.

    Raises:
        UsageProblem: If there are more or fewer of them than exits, or one is not a number from 0 to 1.
    """
    levels = ThresholdExits(thresholds).levels
    exits = confidences.shape[1]
    if exits != len(levels):
        raise UsageProblem(f"The network answers at {exits} exits; {len(levels)} thresholds were given.")
    sure = confidences >= np.array(levels, np.float32)
    doubtful: Decisions = np.logical_not(sure.any(axis=1))
    sure[:, -1] = True
    return GatedRows(sure.argmax(axis=1), doubtful)


def check_policy(policy: ExitPolicy, manifest: Manifest, frames: int) -> None:
    """Raise UsageProblem if a policy is none, or is one of this module that does not fit the bundle or the batch."""
    if not callable(policy):
        raise UsageProblem(
            f"An exit policy is called with the probabilities of an exit, got {type(policy).__name__}.",
            remedy="Pass ThresholdExits([0.8, …]), ReplayExits([1, …]), skip_exits or a function of your own.",
        )
    if isinstance(policy, (ThresholdExits, ReplayExits)):
        policy.check(manifest, frames)


def confidence(probabilities: Probabilities) -> Probabilities:
    """Return the largest probability of each row, (n,); NaN for a row that is not finite throughout.

    NaN compares as false with every threshold, so that such a row is never confident.
    """
    if probabilities.size <= _FEW_VALUES:
        # A gate runs with cold caches, right after a stage: NumPy's four calls then take 60 µs, Python's own loop 30.
        rows = probabilities.tolist()
        return np.array([max(row) if math.isfinite(sum(row)) else math.nan for row in rows], np.float32)
    largest: Probabilities = probabilities.max(axis=1)
    largest[~np.isfinite(probabilities).all(axis=1)] = np.nan
    return largest
