"""Calibration: which range of magnitudes each tensor has on real images.

ONNX Runtime's calibrators are not used (1.31): they print to stdout, keep every value of every tensor in memory, write
temporary files, and with their default of 128 bins "entropy" tries one range only, which is the largest magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgekit_export.passes.names import FRAME
from edgekit_export.precision.histogram import MagnitudeHistogram
from edgekit_export.precision.layers import list_possible_uses
from edgekit_export.precision.probing import MOST_BYTES, Probe, count_rows
from edgekit_export.precision.range_choice import PERCENTILE, choose_range
from edgekit_export.precision.request import Method
from edgekit_runtime.errors import UnusableInput

Array = npt.NDArray[Any]
Ranges = Mapping[str, float]
"""Tensor → largest magnitude that int8 represents; 0 where it was zero in all images."""


def collect_ranges(
    stages: Sequence[ir.Model],
    frames: Sequence[Array],
    *,
    method: Method,
    percentile: float = PERCENTILE,
    answers: bool = False,
    most_bytes: int = MOST_BYTES,
) -> tuple[Ranges, ...]:
    """Run images through all stages and return the ranges of every tensor of each that int8 can reach.

    Images are run one at a time (as many as a fixed batch holds), every one through every stage, and of the inner
    values at most `most_bytes` are held at once; the stage is run again for the others.

    Args:
        stages: Graphs in fp32, from the frame to logits or probabilities.
        frames: (H, W) or (H, W, 3) of the graph's type, that `check_calibration_frames` has passed; read one at a time.
        method: How a range is found among the values (see `range_choice`).
        percentile: For the method of this name, in percent.
        answers: See `find_uses`.
        most_bytes: See `Probe`.

    Raises:
        UnusableInput: If a value is NaN or infinite; it names tensor and image.
    """
    rows = count_rows(stages[0])
    tensors = [{use.tensor for use in list_possible_uses(stage.graph, answers=answers)} for stage in stages]
    probes = [
        Probe(stage, wanted, most_bytes=most_bytes) for stage, wanted in zip(stages, tensors, strict=True)
    ]
    histograms = [{name: MagnitudeHistogram() for name in sorted(wanted)} for wanted in tensors]
    for start in range(0, len(frames), rows):
        _measure_frames(
            probes, histograms, _stack(frames, start, rows), range(start, min(start + rows, len(frames)))
        )
    return tuple(
        {name: choose_range(histogram, method, percentile) for name, histogram in stage.items()}
        for stage in histograms
    )


def _stack(frames: Sequence[Array], start: int, rows: int) -> Array:
    """Return a run of frames; a fixed batch is filled up with the last."""
    return np.stack([np.asarray(frames[min(start + row, len(frames) - 1)]) for row in range(rows)])


def _measure_frames(
    probes: Sequence[Probe],
    histograms: Sequence[Mapping[str, MagnitudeHistogram]],
    batch: Array,
    indices: range,
) -> None:
    """Add what one run gives; what fills the batch up does not count."""
    feeds: dict[str, Array] = {FRAME: batch}
    for probe, counted in zip(probes, histograms, strict=True):
        carried: dict[str, Array] = {}
        for outputs, values in probe.run(feeds):
            carried.update(outputs)
            _refuse_non_finite({**outputs, **values}, indices)
            for name, array in values.items():
                counted[name].add(array[: len(indices)])
        feeds = carried


def _refuse_non_finite(values: Mapping[str, Array], indices: range) -> None:
    for name, array in values.items():
        # A maximum is NaN where any value is.
        if np.isfinite(np.abs(array).max(initial=0.0)):
            continue
        images = (
            f"image {indices[0]}" if len(indices) == 1 else f"one of images {indices[0]} to {indices[-1]}"
        )
        raise UnusableInput(
            f"The tensor {name!r} is NaN or infinite for {images} of the calibration.",
            remedy="Look at that image; if it is a usual one, the network itself overflows: train it anew.",
        )
