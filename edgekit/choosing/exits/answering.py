"""Every image through every exit of a bundle, once: thresholds of any number are then counted without a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.choosing.known_images import KnownImages
from edgekit.evaluation.early_exits import read_exits
from edgekit.evaluation.predictors import fit_frame
from edgekit.media.images import order_channels
from edgekit.reporting import Reporter
from edgekit_runtime.backends import BackendFactory
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.pixels import Frame

BATCH = 8
"""Images of a run where the bundle's batch is dynamic."""


@dataclass(frozen=True, eq=False)
class ExitAnswers:
    """What the exits answer.

    Attributes:
        probabilities: float32 (images, exits, classes).
        backend: What ran the bundle.
    """

    probabilities: npt.NDArray[np.float32]
    backend: str


def require_exits(bundle: Bundle) -> None:
    """Refuse a bundle whose exits have nothing to choose.

    Raises:
        UsageProblem: If it has one exit, no class without a defect, or does not say what its stages cost.
    """
    manifest = bundle.manifest
    if read_exits(manifest) is None:
        raise UsageProblem(
            f"{bundle.path.name} classifies with one exit, which answers every frame: it has no threshold to choose.",
            remedy="Name a bundle with two exits or more, such as that of dinet, or one that segments.",
        )
    if manifest.model.normal_class is None:
        raise UsageProblem(
            f"{bundle.path.name} has no class without a defect: it rejects every frame at any thresholds, so that "
            "nothing escapes and everything is overkill.",
            remedy="Train it with defect-free images as a class of their own.",
        )
    if not all(stage.macs for stage in manifest.stages):
        raise UsageProblem(
            f"{bundle.path.name} does not say what each of its stages costs, and thresholds are chosen by that.",
            remedy="Export it anew with `edgekit export`, which counts multiply-accumulates.",
        )


def answer_images(
    bundle: Bundle,
    images: KnownImages,
    *,
    device: str = "auto",
    backend: str | BackendFactory = "auto",
    threads: int | None = None,
    reporter: Reporter,
) -> ExitAnswers:
    """Run every image through every exit.

    Args:
        bundle: Classifies with exits.
        images: What it is run on.
        device: See `Detector`.
        backend: The same.
        threads: The same.
        reporter: Where progress goes.

    Raises:
        FrameError: If an image does not fit the bundle's contract; the message names it.
    """
    count, contract = len(images.defective), bundle.manifest.input
    size = contract.batch or BATCH
    parts = []
    detector = Detector(bundle, device=device, backend=backend, threads=threads)
    with detector, reporter.progress("every image through every exit", count) as advance:
        for start in range(0, count, size):
            rows = range(start, min(start + size, count))
            frames = [
                order_channels(fit_frame(images.load(row), contract.pixels), contract.pixels.channels)
                for row in rows
            ]
            parts.append(_answer_batch(detector, frames, [images.dataset.items[row].name for row in rows]))
            for _ in rows:
                advance()
        return ExitAnswers(np.concatenate(parts), detector.backend.name)


def _answer_batch(
    detector: Detector, frames: Sequence[Frame], names: Sequence[str]
) -> npt.NDArray[np.float32]:
    try:
        return detector.find_probabilities(frames)
    except FrameError:
        # One of them is to blame: alone, it says so.
        for frame, name in zip(frames, names, strict=True):
            try:
                detector.find_probabilities([frame])
            except FrameError as error:
                raise FrameError(f"{name}: {error.message}", remedy=error.remedy) from error
        raise
