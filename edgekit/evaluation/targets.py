"""What a person may name where a command evaluates: a checkpoint or a bundle, opened to the same interface."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.evaluation.early_exits import EarlyExits, plan_exits, read_exits
from edgekit.evaluation.prediction import Predict
from edgekit.evaluation.predictors import predict_with_detector, predict_with_network
from edgekit.models import MODELS
from edgekit.models.spec import Task
from edgekit_runtime.bundle import MANIFEST_FILE, DataInfo, PixelFormat, VerdictRules
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import UnusableInput, UsageProblem
from edgekit_runtime.optional import import_optional


@dataclass(frozen=True)
class OpenedTarget:
    """A predictor and what results must say about it.

    Attributes:
        predict: Runs it.
        task: What it answers.
        digest: That of the bundle, which vouches for every file in it, or of the checkpoint's weights.
        classes: Names by mask value, the background first, or by a classifier's output.
        normal_class: The one of them that means no defect; None where every class is a defect.
        pixels: What its frames are.
        rules: When a bundle rejects a frame; for a checkpoint, when it shows a region.
        mm_per_px: Millimetres per pixel, where a bundle knows them.
        data: What it was trained on, where known.
        backend: What runs it, such as "torch" or "onnxruntime".
        precision: Such as "fp32".
        provenance: Where the weights come from.
        exits: Its early exits; None where it has none.
    """

    predict: Predict
    task: Task
    digest: str
    classes: tuple[str, ...]
    normal_class: str | None
    pixels: PixelFormat
    rules: VerdictRules
    mm_per_px: float | None
    data: DataInfo | None
    backend: str
    precision: str
    provenance: str
    exits: EarlyExits | None = None


@contextmanager
def open_target(
    path: Path,
    *,
    device: str = "auto",
    backend: str = "auto",
    threads: int | None = None,
    threshold: float | None = None,
    every_exit: bool = False,
) -> Iterator[OpenedTarget]:
    """Open a checkpoint folder or a bundle.

    Args:
        path: Which.
        device: Where a bundle runs.
        backend: What runs a bundle.
        threads: Of the backend.
        threshold: Logit from which a pixel is a defect; the bundle's own, or 0 for a checkpoint, where omitted.
        every_exit: Whether answers also tell what each exit says; then every image goes through all of them.

    Raises:
        UnusableInput: If the path is neither.
        UsageProblem: If a checkpoint shall run elsewhere than on the CPU, the threshold is no finite number, the
            target classifies and has none, or it has no early exits and shall tell of each.
    """
    if (path / "checkpoint.json").is_file():
        if device not in ("auto", "cpu") or backend != "auto" or threads is not None:
            raise UsageProblem(
                f"{path} is a checkpoint: torch evaluates it on the CPU, without --device, --backend or --threads.",
                remedy="Leave them out, or export the checkpoint and evaluate the bundle.",
            )
        yield _open_checkpoint(path, threshold, every_exit=every_exit)
    elif path.suffix == ".edgekit" or (path / MANIFEST_FILE).is_file():
        thresholds = None if threshold is None else {"threshold": threshold}
        with Detector(
            path, device=device, backend=backend, threads=threads, thresholds=thresholds
        ) as detector:
            yield _describe_bundle(detector, path, every_exit=every_exit)
    else:
        raise UnusableInput(
            f"{path} is neither a checkpoint (a folder with checkpoint.json) nor a bundle (NAME.edgekit).",
            remedy=f"It is the folder of a run: name {path / 'best'}."
            if (path / "best" / "checkpoint.json").is_file()
            else "Name a folder such as runs/mine/best, or a bundle that `edgekit export` wrote.",
        )


def _require_exits(path: Path, exits: EarlyExits | None) -> None:
    if exits is None:
        raise UsageProblem(
            f"{path} has no early exits, of which each could be measured.",
            remedy="Leave --every-exit out.",
        )


def _describe_bundle(detector: Detector, path: Path, *, every_exit: bool) -> OpenedTarget:
    manifest = detector.manifest
    exits = read_exits(manifest)
    if every_exit:
        _require_exits(path, exits)
    return OpenedTarget(
        predict=predict_with_detector(detector, every_exit=every_exit),
        task=manifest.model.task,
        digest=detector.bundle.digest,
        classes=manifest.model.classes,
        normal_class=manifest.model.normal_class,
        pixels=manifest.input.pixels,
        rules=detector.rules,
        mm_per_px=manifest.input.mm_per_pixel,
        data=manifest.data,
        backend=detector.backend.name,
        precision=manifest.precision,
        provenance=manifest.provenance.kind,
        exits=exits,
    )


def _open_checkpoint(path: Path, threshold: float | None, *, every_exit: bool) -> OpenedTarget:
    for package in ("torch", "safetensors"):
        import_optional(package, extra="train")
    from edgekit.checkpoints import load_checkpoint, load_network

    checkpoint, weights = load_checkpoint(path)
    spec = MODELS.get(checkpoint.model)
    if spec.task == "classify" and threshold is not None:
        raise UsageProblem(
            f"{path} holds {spec.name}, which classifies: it has no threshold on a logit.",
            remedy="Leave the threshold out.",
        )
    if threshold is not None and not math.isfinite(threshold):
        raise UsageProblem(f"A threshold must be a finite number, got {threshold!r}.")
    network = load_network(checkpoint, weights)
    exits = plan_exits(network, spec)
    if every_exit:
        _require_exits(path, exits)
    predict = predict_with_network(
        network,
        checkpoint.normalisation,
        multiple=spec.multiple,
        pixels=checkpoint.pixels,
        task=spec.task,
        threshold=threshold or 0.0,
        exits=() if exits is None else exits.points,
        every_exit=every_exit,
    )
    return OpenedTarget(
        predict=predict,
        task=spec.task,
        digest=checkpoint.weights_sha256,
        classes=checkpoint.classes,
        normal_class=checkpoint.normal_class,
        pixels=checkpoint.pixels,
        rules=VerdictRules(),
        mm_per_px=None,
        data=checkpoint.data,
        backend="torch",
        precision="fp32",
        provenance=checkpoint.provenance,
        exits=exits,
    )
