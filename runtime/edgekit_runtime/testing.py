"""Test doubles for your own tests: a bundle without a trained network, and a backend without a device.

The fake backend answers by brightness, unless it is told what to answer, so that a test can draw a defect:

    from functools import partial

    import numpy as np

    from edgekit_runtime import Detector
    from edgekit_runtime.testing import FakeBackend, fake_bundle


    def test_bright_spot_is_rejected(tmp_path):
        bundle = fake_bundle(tmp_path / "line.edgekit", height=32, width=48)
        frame = np.zeros((32, 48), np.uint8)
        frame[4:9, 10:20] = 255
        with Detector(bundle, backend=FakeBackend) as detector:
            result = detector(frame)
        assert result.verdict == "reject"
        assert result.regions[0].area_px == 50


    def test_second_stage_is_asked_only_when_the_first_is_unsure(tmp_path):
        bundle = fake_bundle(tmp_path / "cloth.edgekit", task="classify", exits=2)
        backend = partial(FakeBackend, answers={"exit1": {"p1": [0.6, 0.4]}, "exit2": {"p2": [0.1, 0.9]}})
        with Detector(bundle, backend=backend) as detector:
            results = detector.run_batch(np.zeros((3, 32, 32), np.uint8))
            assert detector.backend.rows == {"exit1": [3], "exit2": [3]}
        assert {result.label for result in results} == {"defect"}
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.base import Array, Backend, keep_array_rows, name_dtype
from edgekit_runtime.backends.devices import Device
from edgekit_runtime.backends.options import BackendOptions
from edgekit_runtime.bundle import (
    Bundle,
    ExitInfo,
    GoldenSample,
    InputContract,
    Manifest,
    ModelInfo,
    PixelFormat,
    Provenance,
    StageInfo,
    TensorInfo,
    ThresholdInfo,
    VerdictRules,
    array_bytes,
    write_bundle,
)
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.bundle.manifest import SCHEMA_NAME, SCHEMA_VERSION, Task
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.execution import run_every_stage
from edgekit_runtime.pixels import widen

Answer = Callable[[Mapping[str, Array]], Mapping[str, npt.ArrayLike]] | Mapping[str, npt.ArrayLike]
"""What a stage answers: outputs by name, repeated over the rows, or a function of its inputs by name."""

_ON_CPU = BackendOptions(Device("cpu"))


class FakeBackend(Backend):
    """Answers in NumPy what it is told to, for any bundle; it never reads the graphs.

    Untold, it answers by brightness: a mask is class 1 where a pixel is not darker than middle grey plus the
    threshold, and an exit gives class 1 the frame's mean brightness (0 to 1) and class 0 the rest.

    Args:
        bundle: An opened bundle, fake or real.
        options: Kept as `options`, and without effect: any device will do.
        answers: Stage name → what it answers. Outputs that an answer leaves out are zeros.
        most_rows: Rows that one run takes at most, as an engine would say; no limit where omitted.

    Attributes:
        rows: Stage name → rows of each run, in order.
    """

    name: ClassVar[str] = "fake"

    def __init__(
        self,
        bundle: Bundle,
        options: BackendOptions = _ON_CPU,
        *,
        answers: Mapping[str, Answer] | None = None,
        most_rows: int | None = None,
    ) -> None:
        super().__init__(bundle, options)
        self.most_rows = most_rows
        self._answers = dict(answers or {})
        unknown = sorted(set(self._answers) - set(self._stages))
        if unknown:
            raise UsageProblem(f"No stage {unknown[0]!r}; the bundle has {', '.join(self._stages)}.")
        self.rows: dict[str, list[int]] = {name: [] for name in self._stages}

    def _open_impl(self) -> None:
        """Nothing to load."""

    def _close_impl(self) -> None:
        """Nothing to free."""

    def _upload_impl(self, array: Array) -> Array:
        return array

    def _run_impl(self, stage: StageInfo, inputs: Mapping[str, Array]) -> dict[str, Array]:
        rows = next(len(array) for array in inputs.values() if array.ndim)
        self.rows[stage.name].append(rows)
        answer = self._answers.get(stage.name)
        if answer is None:
            told: Mapping[str, npt.ArrayLike] = _answer_by_brightness(stage, self.bundle.manifest, inputs)
        else:
            told = answer(inputs) if callable(answer) else answer
        unknown = sorted(set(told) - {tensor.name for tensor in stage.outputs})
        if unknown:
            raise UsageProblem(f"Stage {stage.name!r} has no output {unknown[0]!r}.")
        return {tensor.name: _fill(tensor, told.get(tensor.name, 0), rows) for tensor in stage.outputs}

    def _keep_rows_impl(
        self, tensor: Array, count: int, targets: npt.NDArray[np.intp], sources: npt.NDArray[np.intp]
    ) -> Array:
        return keep_array_rows(tensor, count, targets, sources)

    def _download_impl(self, tensor: Array) -> Array:
        copied: Array = tensor.copy()  # keep_rows moves rows in place
        return copied

    def _describe_impl(self, tensor: Array) -> tuple[str, tuple[int, ...]]:
        return name_dtype(tensor.dtype), tensor.shape


def fake_bundle(
    path: str | Path,
    *,
    task: Task = "segment",
    height: int = 32,
    width: int = 32,
    classes: Sequence[str] | None = None,
    exits: int = 1,
    exit_threshold: float = 0.9,
    batch: int | None = None,
    fit: Fit = "refuse",
    overlap: int = 0,
    pixels: PixelFormat = PixelFormat(),  # noqa: B008
    mm_per_pixel: float | None = None,
    rules: VerdictRules = VerdictRules(),  # noqa: B008
) -> Bundle:
    """Write a small valid bundle whose graphs are placeholders; only `FakeBackend` runs it.

    A bundle that segments has one stage "segment" with the threshold "threshold" (grey values from middle
    grey) and the output "mask". One that classifies has the stages "exit1", "exit2", … with the probabilities
    "p1", "p2", …; stage k carries the tensor "features<k>" on.

    Args:
        path: Where to write it; ends in .edgekit.
        task: "segment" or "classify".
        height: Rows of a frame.
        width: Columns of a frame.
        classes: Names by class number; background or normal, and "defect", by default.
        exits: Stages of a bundle that classifies.
        exit_threshold: Confidence from which each exit answers.
        batch: Frames per run, where that is fixed.
        fit: "refuse" takes frames of height × width alone, "pad" smaller ones too, "tile" any.
        overlap: Pixels that neighbouring tiles share.
        pixels: Channels, depth and scale of the frames.
        mm_per_pixel: Where it is known.
        rules: Of the verdict; by default a frame with a region is rejected.
    """
    if exits < 1 or (task == "segment" and exits != 1):
        raise UsageProblem(
            f"A bundle that classifies has 1 exit or more, one that segments has none; got {exits}."
        )
    contract = InputContract(
        name="frame",
        pixels=pixels,
        height=height,
        width=width,
        multiple=1,
        fit=fit,
        overlap=overlap,
        reach=0,
        batch=batch,
        mm_per_pixel=mm_per_pixel,
    )
    names = tuple(classes or (("background", "defect") if task == "segment" else ("normal", "defect")))
    stages = (
        (_segment_stage(contract),)
        if task == "segment"
        else _exit_stages(contract, len(names), exits, exit_threshold)
    )
    manifest = Manifest(
        schema=f"{SCHEMA_NAME}/{SCHEMA_VERSION}",
        name="fake",
        model=ModelInfo(name="fake", task=task, classes=names, normal_class=names[0], paper="", parameters=0),
        input=contract,
        precision="fp32",
        stages=stages,
        thresholds=(ThresholdInfo("threshold", "segment", "logit", 0.0),) if task == "segment" else (),
        rules=rules,
        golden=(),
        provenance=Provenance("untrained", hashlib.sha256(b"").hexdigest(), "a test double", None),
        data=None,
        parity=(),
        versions={},
        files={},
    )
    files = {stage.file: b"a placeholder, not a graph" for stage in stages}
    sample, arrays = _record_golden(Path(path), manifest)
    return write_bundle(Path(path), dataclasses.replace(manifest, golden=(sample,)), {**files, **arrays})


def _segment_stage(contract: InputContract) -> StageInfo:
    mask = TensorInfo("mask", "uint8", contract.mask_shape)
    inputs = (contract.graph_input, TensorInfo("threshold", "float32", ()))
    return StageInfo("segment", "segment.onnx", inputs, (mask,), (), None, 1, 0)


def _exit_stages(
    contract: InputContract, classes: int, exits: int, threshold: float
) -> tuple[StageInfo, ...]:
    stages = []
    taken = contract.graph_input
    for number in range(1, exits + 1):
        answer = TensorInfo(f"p{number}", "float32", (contract.rows, classes))
        carried = TensorInfo(f"features{number}", "float32", (contract.rows, 2, 2))
        last = number == exits
        stages.append(
            StageInfo(
                name=f"exit{number}",
                file=f"exit{number}.onnx",
                inputs=(taken,),
                outputs=(answer,) if last else (carried, answer),
                carries=() if last else (carried.name,),
                exit=ExitInfo(answer.name, threshold),
                macs=1,
                weight_bytes=0,
            )
        )
        taken = carried
    return tuple(stages)


def _record_golden(path: Path, manifest: Manifest) -> tuple[GoldenSample, dict[str, bytes]]:
    pixels = manifest.input.pixels
    frame = np.zeros(manifest.input.frame_shape, pixels.frame_type)
    frame[: manifest.input.height // 4 + 1, : manifest.input.width // 4 + 1] = pixels.levels - 1
    with FakeBackend(Bundle(path, manifest, digest="")) as backend:
        outputs = run_every_stage(backend, manifest, widen(frame[np.newaxis], pixels))
    arrays = {f"golden/{name}.npy": array_bytes(array[0]) for name, array in outputs.items()}
    positive = float((outputs["mask"] > 0).mean()) if "mask" in outputs else None
    sample = GoldenSample(
        "corner", "golden/frame.npy", {name: f"golden/{name}.npy" for name in outputs}, {}, positive, 0
    )
    return sample, {"golden/frame.npy": array_bytes(frame), **arrays}


def _answer_by_brightness(
    stage: StageInfo, manifest: Manifest, inputs: Mapping[str, Array]
) -> dict[str, Array]:
    contract = manifest.input
    first = contract.name in inputs
    source = inputs[contract.name] if first else next(array for array in inputs.values() if array.ndim)
    brightness = _mean_of_rows(source) / (contract.pixels.scale if first else 1.0)
    answers = {}
    for tensor in stage.outputs:
        if stage.exit is not None and tensor.name == stage.exit.output:
            answers[tensor.name] = np.zeros((len(source), int(tensor.shape[1])))
            answers[tensor.name][:, 0], answers[tensor.name][:, 1] = 1 - brightness, brightness
        elif tensor.name in stage.carries:
            answers[tensor.name] = brightness.reshape(-1, *[1] * (len(tensor.shape) - 1))
        elif first and tensor.shape[1:] == source.shape[1:3]:
            grey = source.reshape(*source.shape[:3], -1).mean(axis=3)
            threshold = sum(float(inputs[item.name]) for item in manifest.thresholds if item.name in inputs)
            answers[tensor.name] = grey - contract.pixels.levels // 2 >= threshold
    return answers


def _mean_of_rows(array: Array) -> npt.NDArray[np.float64]:
    return np.asarray(array.reshape(len(array), -1).mean(axis=1, dtype=np.float64))


def _fill(tensor: TensorInfo, value: Any, rows: int) -> Array:
    shape = (rows, *(int(size) for size in tensor.shape[1:]))
    try:
        return np.broadcast_to(np.asarray(value), shape).astype(tensor.dtype)
    except ValueError:
        raise UsageProblem(
            f"The answer for {tensor.name!r} must fit {tensor.dtype} {shape}, got shape {np.shape(value)}."
        ) from None
