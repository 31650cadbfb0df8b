"""One call from a model's name to a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.bundling.calibration import choose_calibration
from edgekit.bundling.frame_sizes import FrameChoice, choose_frames
from edgekit.bundling.samples import LOWERED_COUNT, are_stand_ins, choose_samples
from edgekit.bundling.weights import choose_weights
from edgekit.checkpoints.format import Checkpoint, load_network, serialise_tensors
from edgekit.data import Dataset
from edgekit.evaluation.evaluate import evaluate_classes, evaluate_masks
from edgekit.evaluation.prediction import Prediction
from edgekit.models import ModelSpec
from edgekit.models.counting import count_parameters
from edgekit.models.spec import Task
from edgekit.reporting import Reporter
from edgekit_export import Calibration, ExportReport, PrecisionRequest, export_bundle
from edgekit_export.precision.request import DEFAULT_MAX_DROP, Method, check_request
from edgekit_export.targets import ExportPrecision
from edgekit_export.task_metric import Evaluate
from edgekit_export.task_metric import Predict as Answer
from edgekit_runtime.bundle import ModelInfo, Provenance
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.bundle.writer import check_bundle_target
from edgekit_runtime.errors import UsageProblem

NOTES: Mapping[str, str] = {
    "trained": "trained by the user",
    "imported": "imported from another project's checkpoint",
    "demo": "demo weights of edgekit, trained on generated images only",
    "untrained": "random weights, for measuring speed only",
}


@dataclass(frozen=True)
class Lowering:
    """A precision and how it is reached.

    Attributes:
        precision: Of the bundle.
        calibrate_on: Images for int8, as --data names them, with masks or without; None takes those of the training.
        method: How a tensor's range is found among its values.
        max_drop: Points (hundredths) of the task metric that may be lost.
        kept: Names of layers that stay in the higher precision.
    """

    precision: ExportPrecision = "fp32"
    calibrate_on: str | None = None
    method: Method = "percentile"
    max_drop: float = DEFAULT_MAX_DROP
    kept: tuple[str, ...] = ()


FP32 = Lowering()


def export_model(
    spec: ModelSpec,
    out: Path,
    *,
    checkpoint: Path | None = None,
    untrained: bool = False,
    size: tuple[int, int] | None = None,
    fit: Fit | None = None,
    overlap: int | None = None,
    batch: int | None = 1,
    rewrites: frozenset[str] = frozenset(),
    data: str | None = None,
    lowering: Lowering = FP32,
    target: str = "any",
    engine_targets: tuple[int, ...] | None = None,
    seed: int = 0,
    reporter: Reporter,
) -> ExportReport:
    """Export a model as a bundle.

    Args:
        spec: The model.
        out: Path of the bundle, NAME.edgekit; one that is there is replaced.
        checkpoint: Folder of trained weights; None takes those that ship.
        untrained: Take random weights, seeded with `seed`.
        size: (height, width) of the graph; None takes what holds every image of the training, else the model's default.
        fit: "refuse" takes frames of the size alone, "pad" smaller ones too, "tile" any; None decides between the first
            two by the training's images.
        overlap: What neighbouring tiles share, in pixels; None takes the least with which they answer as the whole
            frame does.
        batch: Frames per run; None makes the batch dynamic.
        rewrites: Optional graph rewrites by name, such as "subpixel".
        data: Labelled images for the checks; None takes a part of the training's generated images, or others.
        lowering: Precision of the bundle, and how it is reached.
        target: What the bundle is for (`edgekit_export.targets`).
        engine_targets: Compute capabilities to compile engines for by TensorRT-RTX; None leaves engines out.
        seed: Of random weights.
        reporter: Where progress goes.

    Raises:
        UsageProblem: If the choices contradict each other or the model.
        GateFailed: If the bundle would not answer as the network does; nothing is written then.
    """
    check_bundle_target(out)
    _check(lowering)
    record, weights = choose_weights(spec, checkpoint=checkpoint, untrained=untrained, seed=seed)
    network = load_network(record, weights)
    frames = choose_frames(record, spec, size=size, fit=fit)
    if frames.reason:
        reporter.note(f"note: {frames.reason}")
    samples = choose_samples(record, data, frames.size, fit=frames.fit)
    judged = samples
    if lowering.precision != "fp32":
        judged = choose_samples(record, data, frames.size, count=LOWERED_COUNT, fit=frames.fit)
        reporter.note(f"note: The task metric is that of {len(judged)} images of {judged.name}.")
    if are_stand_ins(samples, record):
        reporter.note(
            "note: The checks below run on generated images: the training's images are not there, or none of them "
            f"has {frames.size[0]}x{frames.size[1]} pixels or slightly less."
        )
    return export_bundle(
        network,
        out=out,
        name=spec.name,
        model_info=ModelInfo(
            spec.name, spec.task, record.classes, record.normal_class, spec.paper, count_parameters(network)
        ),
        normalisation=record.normalisation,
        size=frames.size,
        fit=frames.fit,
        overlap=overlap,
        bits=record.bits,
        grey=record.grey,
        batch=batch,
        samples=[samples.load(index).image for index in range(len(samples))],
        provenance=_describe_provenance(record, serialise_tensors(weights)),
        data=record.data,
        rewrites=rewrites,
        precision=_request(lowering, record, frames, reporter),
        target=target,
        engine_targets=engine_targets,
        evaluate=_make_evaluation(judged, record, spec.task),
        report=reporter.note,
    )


def _check(lowering: Lowering) -> None:
    """Refuse what contradicts itself before any image is read."""
    if lowering.precision != "int8" and lowering.calibrate_on is not None:
        raise UsageProblem(
            f"{lowering.precision} is not calibrated.",
            remedy="Leave --calibrate-on out, or take --precision int8.",
        )
    to_come = Calibration((), "", "", lowering.method) if lowering.precision == "int8" else None
    check_request(PrecisionRequest(lowering.precision, to_come, lowering.max_drop, frozenset(lowering.kept)))


def _request(
    lowering: Lowering, record: Checkpoint, frames: FrameChoice, reporter: Reporter
) -> PrecisionRequest:
    calibration = None
    if lowering.precision == "int8":
        images = choose_calibration(record, lowering.calibrate_on, frames.size, frames.fit)
        reporter.note(f"calibrating on {len(images)} images of {images.name}")
        calibration = Calibration(images, images.name, images.fingerprint, lowering.method)
    return PrecisionRequest(lowering.precision, calibration, lowering.max_drop, frozenset(lowering.kept))


def _make_evaluation(samples: Dataset, record: Checkpoint, task: Task) -> Evaluate | None:
    """Return what computes the task's metrics; None where a classifier's images have no classes."""
    quiet = Reporter(quiet=True)

    def evaluate_segments(answer: Answer) -> Mapping[str, float]:
        metrics = evaluate_masks(lambda frame: Prediction(mask=answer(frame)), samples, reporter=quiet)
        return {"miou": metrics.miou, "macc": metrics.macc}

    def evaluate_labels(answer: Answer) -> Mapping[str, float]:
        metrics = evaluate_classes(
            lambda frame: Prediction(probabilities=answer(frame)),
            samples,
            classes=record.classes,
            normal_class=record.normal_class,
            reporter=quiet,
        )
        return {"accuracy": metrics.accuracy}

    if task == "segment":
        return evaluate_segments
    return evaluate_labels if samples.labels else None


def _describe_provenance(record: Checkpoint, weights: bytes) -> Provenance:
    training = None
    if record.training is not None:
        # The path that was typed after --data is this machine's own; `data` in the manifest names what was there.
        known = {key: value for key, value in record.training.items() if key != "data"}
        training = {**known, "metrics": record.metrics, "versions": record.versions}
    return Provenance(
        kind=record.provenance,
        weights_sha256=record.weights_sha256 or hashlib.sha256(weights).hexdigest(),
        note=NOTES[record.provenance],
        training=training,
    )
