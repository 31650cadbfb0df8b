"""Where the time of a frame goes: decode, pre, stages, regions, and the making of the result.

Measured by running the runtime's own public pieces one after the other, as `Detector` does, with a clock between them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgekit_benchmarks.contestants import Frames
from edgekit_benchmarks.sampling import Clock
from edgekit_runtime import Detector
from edgekit_runtime.execution import run_stages
from edgekit_runtime.frames import prepare_batch, prepare_frame
from edgekit_runtime.result_building import find_defects, make_class_results, make_mask_results, take_masks

Decode = Callable[[int], object]
"""Reads the frame of a number from its file."""


MOST_DECODED = 50
"""Files that are read: enough for a median."""


@dataclass(frozen=True)
class Phases:
    """Median times of the parts of one call, in ms. A part that the call does not have is None.

    Attributes:
        decode_ms: Reading the image files of its frames (PNG); not part of the latency. None without a decoder.
        pre_ms: Checking, padding and stacking the frames.
        stages_ms: The network, frame in → mask or probabilities out, exits and copies included.
        regions_ms: Connected regions of the masks; None where the network classifies.
        result_ms: Verdicts and results.
        calls: Number of calls that were taken apart.
    """

    decode_ms: float | None
    pre_ms: float
    stages_ms: float
    regions_ms: float | None
    result_ms: float
    calls: int


def measure_phases(
    detector: Detector,
    batches: Sequence[Frames],
    *,
    calls: int,
    limit_s: float,
    decode: Decode | None = None,
    clock: Clock = time.perf_counter,
) -> Phases:
    """Take calls apart.

    Args:
        detector: READY and warmed up.
        batches: uint8 (N, H, W[, 3]) each.
        calls: How many.
        limit_s: No call begins after this many seconds, but for the first three.
        decode: Reads the frames of a batch from files.
        clock: Seconds of a steady clock.
    """
    times: dict[str, list[float]] = {name: [] for name in ("pre", "stages", "regions", "result", "decode")}
    began = clock()
    for number in range(calls):
        if number >= 3 and clock() - began >= limit_s:
            break
        for name, seconds in _time_parts(detector, batches[number % len(batches)], clock).items():
            times[name].append(seconds)
    if decode is not None:
        # Apart from the others: between them it would cool their caches, and let their threads fall asleep.
        for number in range(min(len(times["pre"]), MOST_DECODED)):
            started = clock()
            decode(number % len(batches))
            times["decode"].append(clock() - started)
    medians = {name: statistics.median(values) * 1e3 if values else None for name, values in times.items()}
    return Phases(
        decode_ms=medians["decode"],
        pre_ms=medians["pre"] or 0.0,
        stages_ms=medians["stages"] or 0.0,
        regions_ms=medians["regions"],
        result_ms=medians["result"] or 0.0,
        calls=len(times["pre"]),
    )


def _time_parts(detector: Detector, frames: Frames, clock: Clock) -> Mapping[str, float]:
    backend, manifest = detector.backend, detector.manifest
    start = clock()
    alone = len(frames) == 1
    batch = prepare_frame(frames[0], manifest.input) if alone else prepare_batch(frames, manifest.input)
    prepared = clock()
    answer = run_stages(backend, manifest, batch.frames)
    answered = clock()
    parts = {"pre": prepared - start, "stages": answered - prepared}
    if manifest.model.task == "classify":
        make_class_results(answer, manifest, backend=backend.name, latency_ms=0.0)
        return {**parts, "result": clock() - answered}
    masks = take_masks(answer, manifest, batch.sizes)
    regions = [find_defects(mask, manifest, connectivity=8, min_area_px=0) for mask in masks]
    found = clock()
    make_mask_results(masks, regions, manifest, backend=backend.name, latency_ms=0.0)
    return {**parts, "regions": found - answered, "result": clock() - found}
