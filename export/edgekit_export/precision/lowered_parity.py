"""The rows of the parity table that say what a lower precision costs, against torch in fp32.

Numbers move by the precision itself, so that only what must not happen fails here: another form, a value that is not
finite, a task metric below what was allowed. How many pixels, classes and exits changed is said for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.execution import ChainRunner, GraphError
from edgekit_export.exits_taken import take_exits
from edgekit_export.graph_io import expose_value
from edgekit_export.parity import check_forms, measure_cosine
from edgekit_export.passes.names import LOGITS, THRESHOLD
from edgekit_export.precision.choosing import describe_drop
from edgekit_export.rounding import root_mean_square
from edgekit_runtime.bundle import ParityCheck, StageInfo
from edgekit_runtime.masks import mask_of

Array = npt.NDArray[Any]
Outputs = Mapping[str, Array]


def check_lowered(
    precision: str,
    stages: Sequence[StageInfo],
    graphs: Sequence[bytes],
    frames: Array,
    expected: Outputs,
    *,
    batch: int | None,
    threshold: float | None,
) -> tuple[ParityCheck, ...]:
    """Compare graphs of a lower precision with torch.

    Args:
        precision: What they are called.
        stages: What the manifest will say about each.
        graphs: ONNX bytes of each stage.
        frames: (N, H, W) or (N, H, W, 3) of the graph's type.
        expected: What torch answered, in fp32, for every output of every stage.
        batch: Frames per run that the graphs are fixed to; None where the batch is dynamic.
        threshold: Default of a segmenting bundle; None for a classifying one.

    Returns:
        One row per check.
    """
    try:
        forms = tuple(check_forms(stages, ChainRunner(graphs, batch=batch)))
        if not all(row.ok for row in forms):
            return tuple(_title(precision, row) for row in forms)
        found = run_exposed(graphs, frames, batch=batch, threshold=threshold)
    except GraphError as error:
        reason = f"onnxruntime refuses them: {str(error).splitlines()[0]}"
        return (ParityCheck(f"{precision}: graphs", False, reason),)
    rows = [*forms, *(_compare(name, wanted, found[name]) for name, wanted in expected.items())]
    rows.append(
        _count_classes(stages, expected, found)
        if threshold is None
        else _count_pixels(expected[LOGITS], found[LOGITS], threshold)
    )
    return tuple(_title(precision, row) for row in rows)


def run_exposed(
    graphs: Sequence[bytes],
    frames: Array,
    *,
    batch: int | None,
    threshold: float | None,
    optimise: bool = True,
) -> dict[str, Array]:
    """Return every output of every stage, and a segmenting network's logits."""
    scalars = {}
    if threshold is not None:
        graphs = [*graphs[:-1], expose_value(graphs[-1], LOGITS)]
        scalars = {THRESHOLD: threshold}
    return ChainRunner(graphs, batch=batch, optimise=optimise).run(frames, scalars)


@dataclass(frozen=True)
class MetricLoss:
    """The task metric of the network, of its graphs in fp32, and below it.

    Attributes:
        name: Such as "miou".
        torch: With the network, from 0 to 1.
        fp32: With the graphs in fp32.
        lowered: With the lowered graphs.
        max_drop: Points (hundredths) that may be lost against fp32.
    """

    name: str
    torch: float
    fp32: float
    lowered: float
    max_drop: float

    @property
    def drop(self) -> float:
        """Points that are lost; negative where some are gained."""
        return 100 * (self.fp32 - self.lowered)


def check_drop(precision: str, loss: MetricLoss) -> ParityCheck:
    """Return the row that gates: the task metric may lose so many points against the graphs in fp32."""
    detail = (
        f"torch {loss.torch:.4f}, fp32 {loss.fp32:.4f}, {precision} {loss.lowered:.4f}: "
        f"{describe_drop(loss.drop)} ({loss.max_drop:g} may be lost)"
    )
    return ParityCheck(f"{precision}: task metric: {loss.name}", loss.drop <= loss.max_drop, detail)


def _title(precision: str, row: ParityCheck) -> ParityCheck:
    return ParityCheck(f"{precision}: {row.name}", row.ok, row.detail)


def _compare(name: str, wanted: Array, found: Array) -> ParityCheck:
    title = f"values: {name}"
    got = found.astype(np.float64)
    if not np.isfinite(got).all():
        return ParityCheck(title, False, f"{np.sum(~np.isfinite(got))} of {got.size} are NaN or infinite")
    difference = wanted.astype(np.float64) - got
    error, largest = float(np.abs(difference).max(initial=0.0)), float(np.abs(wanted).max(initial=0.0))
    cosine = measure_cosine(wanted.astype(np.float64).ravel(), got.ravel())
    detail = (
        f"largest error {error:.1e} of values up to {largest:.1e}, "
        f"root mean square {root_mean_square(difference):.1e}, cosine {cosine:.6f}"
    )
    return ParityCheck(title, True, detail)


def _count_pixels(wanted: Array, found: Array, threshold: float) -> ParityCheck:
    before, after = mask_of(wanted, threshold), mask_of(found, threshold)
    flips = int(np.count_nonzero(before != after))
    return ParityCheck(
        "class flips", True, f"{flips} of {before.size} px ({flips / before.size:.3%}) change their class"
    )


def _count_classes(stages: Sequence[StageInfo], wanted: Outputs, found: Outputs) -> ParityCheck:
    pairs = list(zip(take_exits(stages, wanted), take_exits(stages, found), strict=True))
    classes = sum(before[1].argmax() != after[1].argmax() for before, after in pairs)
    exits = sum(before[0] != after[0] for before, after in pairs)
    detail = f"{classes} of {len(pairs)} frames change their class, {exits} their exit"
    return ParityCheck("class and exit flips", True, detail)
