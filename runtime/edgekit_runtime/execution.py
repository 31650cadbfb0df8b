"""Staged execution: frames in, what the stages answered out, in the order of the frames.

One loop serves every bundle. A network without early exits is one stage; one with exits stops paying for a
frame as soon as an exit answers it (`gating`). Feature maps stay with the backend between stages: a gate downloads the
probabilities of its exit (rows × classes) and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.base import Array, Backend
from edgekit_runtime.bundle.contract import TensorInfo
from edgekit_runtime.bundle.manifest import Manifest
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.exits import ExitPolicy, ThresholdExits, check_policy
from edgekit_runtime.frames import Frames
from edgekit_runtime.gating import ExitAnswers, Rows, run_gated
from edgekit_runtime.stage_running import StageRunner, resolve_thresholds
from edgekit_runtime.turns import Turns

__all__ = [
    "BatchAnswer",
    "Execution",
    "resolve_thresholds",
    "run_every_exit",
    "run_every_stage",
    "run_stages",
]

MOST_UNCOUNTED_PIXELS = 1 << 21
"""Of frames that run together where the batch is dynamic and no caller has counted them, such as tiles: 8 of 512×512,
whose feature maps in a U-Net are gigabytes."""


@dataclass(frozen=True, eq=False)
class BatchAnswer:
    """What the stages answered for a batch, in the order of its frames.

    Attributes:
        outputs: Outputs of the last stage by name, N rows each; empty where the bundle has exits.
        probabilities: float32 (N, classes) at the exit that answered; None without exits.
        exits: 1-based number of the stage that answered each row; None without exits.
        low_confidence: Rows that the last exit answered below its own threshold; None without exits.
    """

    outputs: dict[str, Array]
    probabilities: npt.NDArray[np.float32] | None
    exits: npt.NDArray[np.int64] | None
    low_confidence: npt.NDArray[np.bool_] | None


class Execution:
    """Runs batches through the stages of a bundle. What is the same for every batch is found out once.

    Args:
        backend: A READY backend of the bundle.
        manifest: The bundle's manifest; opening the bundle has checked that its stages fit together.
        thresholds: Threshold name → value; the manifest's defaults where omitted.

    Raises:
        UsageProblem: If a threshold does not fit the bundle.
    """

    def __init__(
        self, backend: Backend, manifest: Manifest, thresholds: Mapping[str, float] | None = None
    ) -> None:
        self._runner = StageRunner(backend, manifest, thresholds)
        self._manifest = manifest
        self._own_exits = ThresholdExits.of(manifest)
        # Another batch between two stages would overwrite what the first has carried on, and its answers with it.
        self._turns = Turns() if len(manifest.stages) > 1 else nullcontext()

    def run(self, frames: Frames, exit_policy: ExitPolicy | None = None) -> BatchAnswer:
        """Run a batch; arguments and errors as for `run_stages`."""
        _check_count(frames)
        manifest = self._manifest
        last = manifest.stages[-1]
        most = None if manifest.input.fit == "tile" else len(frames)
        if last.exit is None:
            return BatchAnswer(self._run_all(frames, {last.name: last.answers}, most), None, None, None)
        policy = exit_policy if exit_policy is not None else self._own_exits
        check_policy(policy, manifest, len(frames))
        own = policy if isinstance(policy, ThresholdExits) else self._own_exits
        answers = ExitAnswers.allocate(len(frames), len(manifest.model.classes))
        with self._turns:
            for chunk, rows in self._split(frames, most):
                run_gated(self._runner, chunk, rows, policy, own.levels[-1], answers)
        return BatchAnswer({}, answers.probabilities, answers.exits, answers.low_confidence)

    def run_every_stage(self, frames: Frames) -> dict[str, Array]:
        """Run every row through every stage; see the function of this name."""
        _check_count(frames)
        return self._run_all(
            frames, {stage.name: stage.answers for stage in self._manifest.stages}, len(frames)
        )

    def run_every_exit(self, frames: Frames) -> npt.NDArray[np.float32]:
        """Run every row through every exit; see the function of this name."""
        _check_count(frames)
        exits = self._runner.exits
        if not exits:
            raise UsageProblem(
                "The bundle segments frames; it gives no probabilities.", remedy="Take its masks instead."
            )
        outputs = self._run_all(frames, {name: (tensor,) for name, tensor in exits.items()}, None)
        return np.stack([outputs[tensor.name] for tensor in exits.values()], axis=1)

    def _run_all(
        self, frames: Frames, wanted: Mapping[str, tuple[TensorInfo, ...]], most: int | None
    ) -> dict[str, Array]:
        """Run every row through every stage, and return the wanted outputs, which are given by stage."""
        parts: dict[str, list[Array]] = {}
        with self._turns:
            for chunk, rows in self._split(frames, most):
                tensors = self._runner.upload(chunk)
                for stage in self._manifest.stages:
                    outputs = self._runner.run(stage, tensors)
                    for tensor in wanted.get(stage.name, ()):
                        array = self._runner.read(stage, outputs, tensor, len(chunk))
                        parts.setdefault(tensor.name, []).append(array[: len(rows)])
                    tensors = {name: outputs[name] for name in stage.carries}
        return {
            name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()
        }

    def _split(self, frames: Frames, most: int | None) -> Iterator[tuple[Frames, Rows]]:
        """Yield (frames of one run, their row numbers); a fixed batch is filled up with black frames.

        Args:
            frames: At least one.
            most: How many of a dynamic batch may run together; None for as many as memory is likely to hold.
        """
        contract = self._manifest.input
        if most is None:
            most = max(1, MOST_UNCOUNTED_PIXELS // (contract.height * contract.width))
        size = contract.batch or min(most, self._runner.backend.most_rows or most)
        for start in range(0, len(frames), size):
            chunk = frames[start : start + size]
            rows = np.arange(start, start + len(chunk))
            if contract.batch is not None and len(chunk) < contract.batch:
                filler = np.zeros((contract.batch - len(chunk), *frames.shape[1:]), frames.dtype)
                chunk = np.concatenate([chunk, filler])
            yield chunk, rows


def run_stages(
    backend: Backend,
    manifest: Manifest,
    frames: Frames,
    thresholds: Mapping[str, float] | None = None,
    exit_policy: ExitPolicy | None = None,
) -> BatchAnswer:
    """Run a batch through the stages of a bundle.

    Args:
        backend: A READY backend of the bundle.
        manifest: The bundle's manifest; opening the bundle has checked that its stages fit together.
        frames: (N, H, W) or (N, H, W, 3), of the graph's size and type, as `frames.prepare_batch` makes them. If
            they are more than the graph or the backend takes at once, they run one part after the other.
        thresholds: Threshold name → value; the manifest's defaults where omitted.
        exit_policy: Decides which rows an exit answers; the thresholds of the exits by default.

    Raises:
        FrameError: If there is no frame.
        UsageProblem: If a threshold or the policy does not fit the bundle.
        ArtefactRefused: If an output is not what the manifest promises.
    """
    return Execution(backend, manifest, thresholds).run(frames, exit_policy)


def run_every_stage(
    backend: Backend, manifest: Manifest, frames: Frames, thresholds: Mapping[str, float] | None = None
) -> dict[str, Array]:
    """Run every row through every stage, and return all outputs that no later stage takes.

    This is what golden samples hold, exits included; arguments and errors as for `run_stages`.
    """
    return Execution(backend, manifest, thresholds).run_every_stage(frames)


def run_every_exit(
    backend: Backend, manifest: Manifest, frames: Frames, thresholds: Mapping[str, float] | None = None
) -> npt.NDArray[np.float32]:
    """Run every row through every exit, and return the probabilities of all, float32 (N, exits, classes).

    Any number of frames may come: no more run together than memory is likely to hold. Arguments and errors as for
    `run_stages`; a bundle that segments is refused with UsageProblem.
    """
    return Execution(backend, manifest, thresholds).run_every_exit(frames)


def _check_count(frames: Frames) -> None:
    if not len(frames):
        raise FrameError(
            "The batch holds no frame; at least one was expected.", remedy="Pass one frame or more."
        )
