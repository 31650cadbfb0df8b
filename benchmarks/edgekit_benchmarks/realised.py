"""How much of what early exit could save is saved: measured batches against a prediction from full ones.

A stage's time per row in a full batch says what a row costs that reaches it, if a stage with fewer rows took as much
less, and gating cost nothing. The prediction is the sum over the rows that reach each stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit_benchmarks.exit_shares import Exits, count_reaching
from edgekit_benchmarks.ratios import Ratio, measure_ratio
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True)
class Realised:
    """Early exit against a network without it; every ratio is taken within rounds.

    Attributes:
        speedup: The baseline's time over the measured one: above 1 early exit is faster.
        predicted: The baseline's time over the prediction: what could be had.
        share: The prediction over the measured time: 1 where all of it is had.
    """

    speedup: Ratio
    predicted: Ratio
    share: Ratio


def predict_ms(stages_ms: Sequence[float], rows: int, exits: Exits) -> float:
    """Return what a batch would take whose rows leave at these exits.

    Args:
        stages_ms: Time of each stage in a full batch.
        rows: Of the full batch.
        exits: One per row of the batch that is predicted.
    """
    return float(np.dot(stages_ms, count_reaching(exits, len(stages_ms))) / rows)


def measure_realised(
    baseline_ms: Sequence[float],
    full_ms: Sequence[Sequence[float]],
    measured_ms: Sequence[float],
    exits: Exits,
    generator: np.random.Generator,
) -> Realised:
    """Compare rounds that were taken in turn.

    Args:
        baseline_ms: The network without exits, a batch per round.
        full_ms: Every stage in a full batch, (rounds, stages).
        measured_ms: The batch whose rows left early.
        exits: Of these rows, (rounds, rows); the same rows as those of the full batch.
        generator: Of the bootstrap.

    Raises:
        UsageProblem: If the numbers of rounds differ.
    """
    counts = {len(baseline_ms), len(full_ms), len(measured_ms), len(exits)}
    if len(counts) != 1:
        raise UsageProblem(f"Rounds belong together; got {sorted(counts)} of them.")
    predicted = [
        predict_ms(stages, exits.shape[1], left) for stages, left in zip(full_ms, exits, strict=True)
    ]
    baseline, measured, ideal = (
        [(value,) for value in values] for values in (baseline_ms, measured_ms, predicted)
    )
    return Realised(
        measure_ratio(baseline, measured, generator),
        measure_ratio(baseline, ideal, generator),
        measure_ratio(ideal, measured, generator),
    )
