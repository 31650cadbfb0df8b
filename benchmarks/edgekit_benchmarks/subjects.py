"""The subject: an open bundle as a contestant, and the frames that everybody runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit_benchmarks.contestants import Answer, Contestant, Frames
from edgekit_runtime import Detector, find_regions
from edgekit_runtime.bundle import Bundle, Manifest
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.execution import run_stages
from edgekit_runtime.frames import prepare_batch
from edgekit_runtime.regions import Rows
from edgekit_runtime.result_building import take_masks
from edgekit_runtime.results import Region, Result


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        bundle: Path of the bundle.
        digest: sha256 of its manifest, which vouches for every file.
        name: The bundle's own name.
        model: Of the network.
        backend: Which backend ran.
        precision: The bundle's precision.
        provenance: Where the weights come from.
        device: Where it ran, as it was asked for.
        batch: Frames per call.
        graph_batch: Frames that the graph runs at once; None where it is dynamic. A call with fewer is filled up.
        height: Of a frame.
        width: Of a frame.
        macs: Multiply-accumulates per frame, of all stages.
        frames: Different frames that the calls took in turn.
    """

    bundle: str
    digest: str
    name: str
    model: str
    backend: str
    precision: str
    provenance: str
    device: str
    batch: int
    graph_batch: int | None
    height: int
    width: int
    macs: int
    frames: int


def find_check_thresholds(manifest: Manifest) -> dict[str, float] | None:
    """Return thresholds at which answers are compared besides the defaults; None where the defaults will do.

    Random weights call every pixel a defect, or none, at their default: any peer would agree on that. Export has looked
    for a threshold at which their golden samples have both. Times are taken at the default all the same, for the
    specks that random weights find have nothing of a line's regions.
    """
    if manifest.provenance.kind != "untrained" or not manifest.golden or not manifest.thresholds:
        return None
    defaults = {threshold.name: threshold.default for threshold in manifest.thresholds}
    found = {**defaults, **manifest.golden[0].thresholds}
    return None if found == defaults else found


def describe_subject(detector: Detector, *, device: str, batch: int) -> Subject:
    """Return what a READY detector measures as."""
    bundle, manifest = detector.bundle, detector.manifest
    return Subject(
        bundle=str(bundle.path),
        digest=bundle.digest,
        name=manifest.name,
        model=manifest.model.name,
        backend=detector.backend.name,
        precision=manifest.precision,
        provenance=manifest.provenance.kind,
        device=device,
        batch=batch,
        graph_batch=manifest.input.batch,
        height=manifest.input.height,
        width=manifest.input.width,
        macs=sum(stage.macs for stage in manifest.stages),
        frames=len(manifest.golden),
    )


def read_batches(bundle: Bundle, batch: int) -> tuple[Frames, ...]:
    """Return the frames of the golden samples as batches, uint8 (batch, H, W[, 3]) each; each frame leads one.

    Raises:
        UsageProblem: If the bundle holds no golden sample, or the batch is none.
        ArtefactRefused: If a sample is damaged.
    """
    if batch < 1:
        raise UsageProblem(f"A batch holds at least 1 frame, got {batch}.")
    golden = bundle.manifest.golden
    if not golden:
        raise UsageProblem(
            f"{bundle.path} holds no golden sample to run on.", remedy="Export the bundle again."
        )
    frames = [bundle.read_array(sample.frame) for sample in golden]
    count = len(frames)
    return tuple(
        np.stack([frames[(first + offset) % count] for offset in range(batch)]) for first in range(count)
    )


def make_subject(detector: Detector) -> Contestant:
    """Return a READY detector as a contestant; batches of one frame take the call that a line would make."""
    classes = detector.manifest.model.classes
    thresholds = find_check_thresholds(detector.manifest)

    def call(frames: Frames) -> Sequence[Result]:
        return (detector(frames[0]),) if len(frames) == 1 else detector.run_batch(frames)

    def read(results: Sequence[Result]) -> Sequence[Answer]:
        return [_read_result(result, classes) for result in results]

    def check(frames: Frames) -> Sequence[Answer]:
        manifest = detector.manifest
        batch = prepare_batch(frames, manifest.input)
        answer = run_stages(detector.backend, manifest, batch.frames, thresholds)
        return [Answer(mask, find_regions(mask)) for mask in take_masks(answer, manifest, batch.sizes)]

    return Contestant(
        detector.backend.name, call, read, check if thresholds is not None else None, graph="the bundle"
    )


def _read_result(result: Result, classes: Sequence[str]) -> Answer:
    if result.task == "classify":
        probabilities: Any = result.probabilities or {}
        return Answer(probabilities=np.array([probabilities[name] for name in classes]))
    return Answer(mask=result.mask, regions=read_regions(result.regions, classes))


def read_regions(regions: Sequence[Region], classes: Sequence[str]) -> Rows:
    """Return regions as rows of `find_regions`, int64 (R, 6)."""
    number = {name: index for index, name in enumerate(classes)}
    rows = [
        (region.x1, region.y1, region.x2, region.y2, region.area_px, number[region.label])
        for region in regions
    ]
    return np.array(rows, np.int64).reshape(-1, 6)
