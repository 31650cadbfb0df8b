"""Staged execution: run a stage, gate its rows, take the undecided ones on, put the answers back in order.

One loop serves every bundle. A network without early exits is one stage; one with exits stops paying for a
frame as soon as an exit answers it. Feature maps stay with the backend between stages: a gate downloads the
probabilities of its exit (rows × classes) and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.base import Array, Backend, Tensor, name_dtype
from edgekit_runtime.bundle.contract import BATCH, TensorInfo
from edgekit_runtime.bundle.manifest import Manifest, StageInfo
from edgekit_runtime.errors import ArtefactRefused, FrameError, UsageProblem
from edgekit_runtime.exits import ExitPolicy, ReplayExits, ThresholdExits, confidence
from edgekit_runtime.frames import Frames

MOST_TILE_PIXELS = 1 << 21
"""Of tiles that run together where the batch is dynamic: 8 of 512×512, whose feature maps in a U-Net are gigabytes."""


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
        frames: (N, H, W) or (N, H, W, 3), of the graph's size and type, as `frames.prepare_batch` makes them.
        thresholds: Threshold name → value; the manifest's defaults where omitted.
        exit_policy: Decides which rows an exit answers; the thresholds of the exits by default.

    Raises:
        FrameError: If there is no frame.
        UsageProblem: If a threshold or the policy does not fit the bundle.
        ArtefactRefused: If an output is not what the manifest promises.
    """
    _check_count(frames)
    scalars = _upload_thresholds(backend, manifest, thresholds)
    if manifest.stages[-1].exit is None:
        return BatchAnswer(_run_all(backend, manifest, frames, scalars, last_only=True), None, None, None)
    policy = exit_policy if exit_policy is not None else ThresholdExits.of(manifest)
    if isinstance(policy, (ThresholdExits, ReplayExits)):
        policy.check(manifest, len(frames))
    return _run_gated(backend, manifest, frames, scalars, policy)


def run_every_stage(
    backend: Backend, manifest: Manifest, frames: Frames, thresholds: Mapping[str, float] | None = None
) -> dict[str, Array]:
    """Run every row through every stage, and return all outputs that no later stage takes.

    This is what golden samples hold, exits included; arguments and errors as for `run_stages`.
    """
    _check_count(frames)
    return _run_all(
        backend, manifest, frames, _upload_thresholds(backend, manifest, thresholds), last_only=False
    )


def resolve_thresholds(manifest: Manifest, thresholds: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return every threshold of the bundle by name: the given value, else the manifest's default.

    Raises:
        UsageProblem: If a name is unknown or a value is not a finite number.
    """
    values = {threshold.name: threshold.default for threshold in manifest.thresholds}
    for name, value in (thresholds or {}).items():
        if name not in values:
            known = ", ".join(values) or "none"
            raise UsageProblem(f"No threshold {name!r}; the bundle has: {known}.")
        # As the graph sees it: 1e39 is infinite there.
        with np.errstate(over="ignore"):
            finite = isinstance(value, Real) and bool(np.isfinite(np.float32(value)))
        if not finite:
            raise UsageProblem(f"Threshold {name!r} must be a finite number, got {value!r}.")
        values[name] = float(value)
    return values


def _check_count(frames: Frames) -> None:
    if not len(frames):
        raise FrameError(
            "The batch holds no frame; at least one was expected.", remedy="Pass one frame or more."
        )


def _run_all(
    backend: Backend, manifest: Manifest, frames: Frames, scalars: Mapping[str, Tensor], *, last_only: bool
) -> dict[str, Array]:
    parts: dict[str, list[Array]] = {}
    for chunk, rows in _chunks(manifest, frames):
        tensors = {manifest.input.name: backend.upload(chunk)}
        for stage in manifest.stages:
            outputs = _run_stage(backend, stage, tensors, scalars)
            tensors = {name: outputs[name] for name in stage.carries}
            if last_only and stage is not manifest.stages[-1]:
                continue
            for tensor in stage.answers:
                array = _download(backend, outputs[tensor.name], tensor, len(chunk), stage)
                parts.setdefault(tensor.name, []).append(array[: len(rows)])
    return {name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()}


def _run_gated(
    backend: Backend, manifest: Manifest, frames: Frames, scalars: Mapping[str, Tensor], policy: ExitPolicy
) -> BatchAnswer:
    classes = len(manifest.model.classes)
    probabilities = np.empty((len(frames), classes), np.float32)
    exits = np.zeros(len(frames), np.int64)
    low = np.zeros(len(frames), np.bool_)
    for chunk, rows in _chunks(manifest, frames):
        tensors = {manifest.input.name: backend.upload(chunk)}
        filled = len(chunk)
        for index, stage in enumerate(manifest.stages):
            outputs = _run_stage(backend, stage, tensors, scalars)
            tensors = {name: outputs[name] for name in stage.carries}
            if stage.exit is None:
                continue
            info = next(tensor for tensor in stage.outputs if tensor.name == stage.exit.output)
            answer = _download(backend, outputs[info.name], info, filled, stage)[: len(rows)]
            if stage is manifest.stages[-1]:
                here = np.ones(len(rows), np.bool_)
                low[rows] = ~(confidence(answer) >= np.float32(_last_threshold(manifest, policy)))
            else:
                here = _decide(policy, index, stage, answer, rows)
            decided = rows[here]
            probabilities[decided], exits[decided] = answer[here], index + 1
            if here.all():
                break
            if here.any():
                kept = np.flatnonzero(~here)
                rows = rows[kept]
                kept = _fill_rows(kept, manifest.input.batch)
                tensors = {name: backend.take_rows(tensor, kept) for name, tensor in tensors.items()}
                filled = len(kept)
    return BatchAnswer({}, probabilities, exits, low)


def _decide(
    policy: ExitPolicy,
    index: int,
    stage: StageInfo,
    answer: npt.NDArray[np.float32],
    rows: npt.NDArray[np.intp],
) -> npt.NDArray[np.bool_]:
    here = np.asarray(policy(index, stage.name, answer, rows))
    if here.dtype != np.bool_ or here.shape != (len(rows),):
        raise UsageProblem(
            f"The exit policy must answer bool ({len(rows)},) at stage {stage.name!r}, "
            f"got {here.dtype} {here.shape}."
        )
    return here


def _last_threshold(manifest: Manifest, policy: ExitPolicy) -> float:
    own = policy if isinstance(policy, ThresholdExits) else ThresholdExits.of(manifest)
    return own.thresholds[-1] or 0.0


def _chunks(manifest: Manifest, frames: Frames) -> Iterator[tuple[Frames, npt.NDArray[np.intp]]]:
    """Yield (frames of one run, their row numbers); a fixed batch is filled up with black frames."""
    batch = manifest.input.batch
    size = batch or _most_frames(manifest, len(frames))
    for start in range(0, len(frames), size):
        chunk = frames[start : start + size]
        rows = np.arange(start, start + len(chunk))
        if batch is not None and len(chunk) < batch:
            filler = np.zeros((batch - len(chunk), *frames.shape[1:]), frames.dtype)
            chunk = np.concatenate([chunk, filler])
        yield chunk, rows


def _most_frames(manifest: Manifest, count: int) -> int:
    """Return how many frames of a dynamic batch run together: all, but not all tiles, which no caller has counted."""
    if manifest.input.fit != "tile":
        return count
    return max(1, MOST_TILE_PIXELS // (manifest.input.height * manifest.input.width))


def _fill_rows(kept: npt.NDArray[np.intp], batch: int | None) -> npt.NDArray[np.intp]:
    """Repeat the first kept row until a fixed batch is full: its graph runs no fewer rows."""
    if batch is None or len(kept) == batch:
        return kept
    return np.concatenate([kept, np.full(batch - len(kept), kept[0])])


def _upload_thresholds(
    backend: Backend, manifest: Manifest, thresholds: Mapping[str, float] | None
) -> dict[str, Tensor]:
    values = resolve_thresholds(manifest, thresholds)
    return {name: backend.upload(np.array(value, np.float32)) for name, value in values.items()}


def _run_stage(
    backend: Backend, stage: StageInfo, tensors: Mapping[str, Tensor], scalars: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    names = [tensor.name for tensor in stage.inputs]
    return backend.run(
        stage.name, {name: tensors[name] if name in tensors else scalars[name] for name in names}
    )


def _download(backend: Backend, tensor: Tensor, info: TensorInfo, batch: int, stage: StageInfo) -> Array:
    array = backend.download(tensor)
    shape = tuple(batch if size == BATCH else size for size in info.shape)
    if name_dtype(array.dtype) != info.dtype or array.shape != shape:
        raise ArtefactRefused(
            f"Output {info.name!r} of stage {stage.name!r} is {array.dtype} {array.shape}; "
            f"the manifest promises {info.dtype} {shape}."
        )
    return array
