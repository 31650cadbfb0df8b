"""What early exit saves of what it could."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_benchmarks.exit_shares import draw_exits
from edgekit_benchmarks.realised import measure_realised, predict_ms
from edgekit_runtime.errors import UsageProblem

FULL_MS = (140.0, 280.0, 420.0, 140.0)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_full_batch_is_predicted_as_it_was_measured() -> None:
    assert predict_ms(FULL_MS, 14, np.full(14, 4)) == sum(FULL_MS)


def test_rows_pay_for_the_stages_that_they_reach() -> None:
    # 10, 20, 30 and 10 ms per row.
    assert predict_ms(FULL_MS, 14, np.array([1, 2, 2, 4])) == pytest.approx(10 + 30 + 30 + 70)


def test_a_runtime_that_saves_all_of_it_has_the_share_1() -> None:
    exits = draw_exits((0.2, 0.5, 0.2, 0.1), 12, 14, generator())
    drift = np.linspace(1.0, 1.5, 12)  # the machine slows down, rounds as a whole
    full = [[value * factor for value in FULL_MS] for factor in drift]
    ideal = [predict_ms(stages, 14, left) for stages, left in zip(full, exits, strict=True)]
    found = measure_realised([1000.0 * factor for factor in drift], full, ideal, exits, generator())
    assert found.share.median == found.share.low == found.share.high == 1.0
    assert found.speedup == found.predicted


def test_what_gating_costs_is_missing_from_the_share() -> None:
    exits = draw_exits((0.2, 0.5, 0.2, 0.1), 12, 14, generator())
    slower = [1.25 * predict_ms(FULL_MS, 14, left) for left in exits]
    found = measure_realised([1000.0] * 12, [FULL_MS] * 12, slower, exits, generator())
    assert found.share.median == pytest.approx(0.8)
    assert found.speedup.median == pytest.approx(0.8 * found.predicted.median)
    assert found.share.rounds == 12


def test_rounds_must_belong_together() -> None:
    with pytest.raises(UsageProblem, match="belong together"):
        measure_realised([1.0], [FULL_MS], [1.0, 2.0], np.ones((1, 14), np.int64), generator())
