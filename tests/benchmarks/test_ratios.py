"""Ratios of paired rounds and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks import ratios
from edgekit_benchmarks.ratios import compare_medians, draw_medians, measure_ratio
from edgekit_runtime.errors import UsageProblem

times = st.floats(0.01, 1e4)


@given(st.lists(times, min_size=11, max_size=40), st.floats(0.1, 50))
def test_a_common_factor_is_found_exactly_whatever_the_machine_does(mood: list[float], factor: float) -> None:
    # The machine slows both down alike in each round: the ratio must not see it.
    subject = [(value,) for value in mood]
    peer = [(value * factor,) for value in mood]
    ratio = measure_ratio(peer, subject, np.random.default_rng(0))
    assert ratio.median == pytest.approx(factor)
    assert (ratio.low, ratio.high) == (pytest.approx(factor), pytest.approx(factor))


@given(st.lists(st.tuples(times, times), min_size=1, max_size=40), st.integers(0, 2**32))
def test_the_interval_holds_the_median_and_lies_within_the_rounds(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    peer, subject = [(one,) for one, _ in pairs], [(other,) for _, other in pairs]
    ratio = measure_ratio(peer, subject, np.random.default_rng(seed))
    rounds = [one / other for one, other in pairs]
    slack = 1 + 1e-9
    assert min(rounds) / slack <= ratio.low <= ratio.median * slack
    assert ratio.median <= ratio.high * slack <= max(rounds) * slack * slack


def test_the_interval_covers_the_truth_about_as_often_as_it_claims() -> None:
    # 200 experiments whose true ratio is 2; the bootstrap of a median is known to cover a little less than 95 %.
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        noise = generator.lognormal(sigma=0.3, size=(2, 40))
        ratio = measure_ratio([(2 * x,) for x in noise[0]], [(x,) for x in noise[1]], generator)
        covered += ratio.low <= 2 <= ratio.high
    assert 176 <= covered <= 200


def test_draws_in_parts_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratios, "_DRAWS_AT_ONCE", 100)
    drawn = draw_medians(np.arange(1.0, 31.0), np.random.default_rng(0))
    assert drawn.shape == (ratios.RESAMPLES,)
    assert 1 <= drawn.min() <= drawn.max() <= 30


def test_rounds_that_are_not_paired_are_refused() -> None:
    with pytest.raises(UsageProblem, match="pairs"):
        measure_ratio([(1.0,)], [(1.0,), (2.0,)], np.random.default_rng(0))
    with pytest.raises(UsageProblem):
        measure_ratio([], [], np.random.default_rng(0))


def test_measurements_of_other_days_are_compared_by_their_medians() -> None:
    ratio = compare_medians([(3.0, 3.0)] * 20, [(1.5,)] * 11, np.random.default_rng(0))
    assert (ratio.median, ratio.low, ratio.high, ratio.rounds) == (2, 2, 2, 11)
