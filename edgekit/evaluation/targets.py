"""What a person may name where a command evaluates: a checkpoint or a bundle, opened to the same interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.evaluation.predictors import Predict, predict_with_detector, predict_with_network
from edgekit.models import MODELS
from edgekit_runtime.bundle import MANIFEST_FILE, DataInfo
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import UnusableInput, UsageProblem
from edgekit_runtime.optional import import_optional


@dataclass(frozen=True)
class OpenedTarget:
    """A predictor and what results must say about it.

    The digest is that of the bundle, which vouches for every file in it, or of the checkpoint's weights.
    """

    predict: Predict
    digest: str
    classes: tuple[str, ...]
    data: DataInfo | None
    backend: str
    precision: str
    provenance: str


@contextmanager
def open_target(
    path: Path, *, device: str = "auto", backend: str = "auto", threads: int | None = None
) -> Iterator[OpenedTarget]:
    """Open a checkpoint folder or a bundle.

    Raises:
        UnusableInput: If the path is neither.
        UsageProblem: If a checkpoint shall run elsewhere than on the CPU.
    """
    if (path / "checkpoint.json").is_file():
        if device not in ("auto", "cpu") or backend != "auto" or threads is not None:
            raise UsageProblem(
                f"{path} is a checkpoint: torch evaluates it on the CPU, without --device, --backend or --threads.",
                remedy="Leave them out, or export the checkpoint and evaluate the bundle.",
            )
        yield _open_checkpoint(path)
    elif path.suffix == ".edgekit" or (path / MANIFEST_FILE).is_file():
        with Detector(path, device=device, backend=backend, threads=threads) as detector:
            manifest = detector.manifest
            yield OpenedTarget(
                predict_with_detector(detector),
                detector.bundle.digest,
                manifest.model.classes,
                manifest.data,
                detector.backend.name,
                manifest.precision,
                manifest.provenance.kind,
            )
    else:
        raise UnusableInput(
            f"{path} is neither a checkpoint (a folder with checkpoint.json) nor a bundle (NAME.edgekit).",
            remedy="Name a folder such as runs/mine/best, or a bundle that `edgekit export` wrote.",
        )


def _open_checkpoint(path: Path) -> OpenedTarget:
    for package in ("torch", "safetensors"):
        import_optional(package, extra="train")
    from edgekit.checkpoints import load_checkpoint, load_network

    checkpoint, weights = load_checkpoint(path)
    network = load_network(checkpoint, weights)
    multiple = MODELS.get(checkpoint.model).multiple
    predict = predict_with_network(network, checkpoint.normalisation, multiple=multiple)
    return OpenedTarget(
        predict,
        checkpoint.weights_sha256,
        checkpoint.classes,
        checkpoint.data,
        "torch",
        "fp32",
        checkpoint.provenance,
    )
