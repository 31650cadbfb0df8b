"""Staged execution: run a stage, gate its rows, take the undecided ones on, put the answers back in order.

One loop serves every bundle. A network without early exits is one stage; one with exits stops paying for a
frame as soon as an exit answers it. Feature maps stay with the backend between stages: a gate downloads the
probabilities of its exit (rows × classes) and nothing else.

Rows that go on move as little as possible: those at the front stay where they are, and the gaps that answered rows
leave are filled from the end. So the order of rows changes on the way, and their numbers go with them. In a fixed
batch, whose graphs run no fewer rows, nothing moves.
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
from edgekit_runtime.exits import ExitPolicy, ThresholdExits, check_policy, confidence
from edgekit_runtime.frames import Frames

MOST_UNCOUNTED_PIXELS = 1 << 21
"""Of frames that run together where the batch is dynamic and no caller has counted them, such as tiles: 8 of 512×512,
whose feature maps in a U-Net are gigabytes."""


Rows = npt.NDArray[np.intp]
"""Numbers of rows, (n,)."""


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
        frames: (N, H, W) or (N, H, W, 3), of the graph's size and type, as `frames.prepare_batch` makes them. If
            they are more than the graph or the backend takes at once, they run one part after the other.
        thresholds: Threshold name → value; the manifest's defaults where omitted.
        exit_policy: Decides which rows an exit answers; the thresholds of the exits by default.

    Raises:
        FrameError: If there is no frame.
        UsageProblem: If a threshold or the policy does not fit the bundle.
        ArtefactRefused: If an output is not what the manifest promises.
    """
    _check_count(frames)
    scalars = _upload_thresholds(backend, manifest, thresholds)
    last = manifest.stages[-1]
    most = None if manifest.input.fit == "tile" else len(frames)
    if last.exit is None:
        outputs = _run_all(backend, manifest, frames, scalars, {last.name: last.answers}, most)
        return BatchAnswer(outputs, None, None, None)
    policy = exit_policy if exit_policy is not None else ThresholdExits.of(manifest)
    check_policy(policy, manifest, len(frames))
    answer = BatchAnswer(
        {},
        np.empty((len(frames), len(manifest.model.classes)), np.float32),
        np.zeros(len(frames), np.int64),
        np.zeros(len(frames), np.bool_),
    )
    for chunk, rows in _split(manifest, frames, backend.most_rows, most):
        _run_gated(backend, manifest, chunk, rows, scalars, policy, answer)
    return answer


def run_every_stage(
    backend: Backend, manifest: Manifest, frames: Frames, thresholds: Mapping[str, float] | None = None
) -> dict[str, Array]:
    """Run every row through every stage, and return all outputs that no later stage takes.

    This is what golden samples hold, exits included; arguments and errors as for `run_stages`.
    """
    _check_count(frames)
    scalars = _upload_thresholds(backend, manifest, thresholds)
    wanted = {stage.name: stage.answers for stage in manifest.stages}
    return _run_all(backend, manifest, frames, scalars, wanted, len(frames))


def run_every_exit(
    backend: Backend, manifest: Manifest, frames: Frames, thresholds: Mapping[str, float] | None = None
) -> npt.NDArray[np.float32]:
    """Run every row through every exit, and return the probabilities of all, float32 (N, exits, classes).

    Any number of frames may come: no more run together than memory is likely to hold. Arguments and errors as for
    `run_stages`.

    Raises:
        UsageProblem: If the bundle has no exit.
    """
    _check_count(frames)
    wanted = {stage.name: (_exit_tensor(stage),) for stage in manifest.stages if stage.exit is not None}
    if not wanted:
        raise UsageProblem("The bundle has no exit; it gives no probabilities.", remedy="Use run_stages.")
    scalars = _upload_thresholds(backend, manifest, thresholds)
    outputs = _run_all(backend, manifest, frames, scalars, wanted, None)
    return np.stack([outputs[tensor.name] for (tensor,) in wanted.values()], axis=1)


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
    backend: Backend,
    manifest: Manifest,
    frames: Frames,
    scalars: Mapping[str, Tensor],
    wanted: Mapping[str, tuple[TensorInfo, ...]],
    most: int | None,
) -> dict[str, Array]:
    """Run every row through every stage, and return the wanted outputs, which are given by stage."""
    parts: dict[str, list[Array]] = {}
    for chunk, rows in _split(manifest, frames, backend.most_rows, most):
        tensors = {manifest.input.name: backend.upload(chunk)}
        for stage in manifest.stages:
            outputs = _run_stage(backend, stage, tensors, scalars)
            for tensor in wanted.get(stage.name, ()):
                array = _download(backend, outputs[tensor.name], tensor, len(chunk), stage)
                parts.setdefault(tensor.name, []).append(array[: len(rows)])
            tensors = {name: outputs[name] for name in stage.carries}
    return {name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()}


def _run_gated(
    backend: Backend,
    manifest: Manifest,
    chunk: Frames,
    rows: Rows,
    scalars: Mapping[str, Tensor],
    policy: ExitPolicy,
    answer: BatchAnswer,
) -> None:
    """Run a chunk, as `_split` gives it, until every row is answered; its answers go into those of the batch."""
    assert answer.probabilities is not None
    assert answer.exits is not None
    assert answer.low_confidence is not None
    tensors = {manifest.input.name: backend.upload(chunk)}
    running = len(chunk)
    places = np.arange(len(rows))
    for index, stage in enumerate(manifest.stages):
        outputs = _run_stage(backend, stage, tensors, scalars)
        tensors = {name: outputs[name] for name in stage.carries}
        if stage.exit is None:
            continue
        found = _download(backend, outputs[stage.exit.output], _exit_tensor(stage), running, stage)
        probabilities = found if len(places) == running else found[places]
        if stage is manifest.stages[-1]:
            sure = confidence(probabilities) >= np.float32(_last_threshold(manifest, policy))
            answer.low_confidence[rows] = ~sure
            here = np.ones(len(rows), np.bool_)
        else:
            here = _decide(policy, index, stage, probabilities, rows)
        decided = rows[here]
        answer.probabilities[decided], answer.exits[decided] = probabilities[here], index + 1
        if len(decided) == len(rows):
            return
        if not len(decided):
            continue
        if manifest.input.batch is not None:
            places, rows = places[~here], rows[~here]
            continue
        kept = _fill_gaps(~here)
        tensors = {name: backend.keep_rows(tensor, kept) for name, tensor in tensors.items()}
        rows, running = rows[kept], len(kept)
        places = places[:running]


def _fill_gaps(undecided: npt.NDArray[np.bool_]) -> Rows:
    """Return which row comes to each place: its own where that goes on, else one from beyond the last place."""
    kept = np.arange(np.count_nonzero(undecided))
    gaps = np.flatnonzero(~undecided[: len(kept)])
    kept[gaps] = len(kept) + np.flatnonzero(undecided[len(kept) :])
    return kept


def _decide(
    policy: ExitPolicy,
    index: int,
    stage: StageInfo,
    probabilities: npt.NDArray[np.float32],
    rows: Rows,
) -> npt.NDArray[np.bool_]:
    here = np.asarray(policy(index, stage.name, probabilities, rows))
    if here.dtype != np.bool_ or here.shape != (len(rows),):
        raise UsageProblem(
            f"The exit policy must answer bool ({len(rows)},) at stage {stage.name!r}, "
            f"got {here.dtype} {here.shape}."
        )
    return here


def _last_threshold(manifest: Manifest, policy: ExitPolicy) -> float:
    own = policy if isinstance(policy, ThresholdExits) else ThresholdExits.of(manifest)
    return own.thresholds[-1] or 0.0


def _exit_tensor(stage: StageInfo) -> TensorInfo:
    assert stage.exit is not None
    return next(tensor for tensor in stage.outputs if tensor.name == stage.exit.output)


def _split(
    manifest: Manifest, frames: Frames, most_rows: int | None, most: int | None
) -> Iterator[tuple[Frames, Rows]]:
    """Yield (frames of one run, their row numbers); a fixed batch is filled up with black frames.

    Args:
        manifest: The bundle's.
        frames: At least one.
        most_rows: What the backend takes at once.
        most: How many frames of a dynamic batch may run together; None for as many as memory is likely to hold.
    """
    batch = manifest.input.batch
    if most is None:
        most = max(1, MOST_UNCOUNTED_PIXELS // (manifest.input.height * manifest.input.width))
    size = batch or min(most, most_rows or most)
    for start in range(0, len(frames), size):
        chunk = frames[start : start + size]
        rows = np.arange(start, start + len(chunk))
        if batch is not None and len(chunk) < batch:
            filler = np.zeros((batch - len(chunk), *frames.shape[1:]), frames.dtype)
            chunk = np.concatenate([chunk, filler])
        yield chunk, rows


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
