"""Percentiles, and the samples that carry them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks.percentiles import (
    bound_percentile,
    count_allowed,
    count_needed,
    percentile,
    summarise_latency,
)
from edgekit_runtime.errors import UsageProblem


@pytest.mark.parametrize(("share", "samples"), [(0.5, 11), (0.9, 64), (0.99, 662), (0.999, 6636)])
def test_samples_needed_are_mlperfs(share: float, samples: int) -> None:
    assert count_needed(share) == samples


@given(st.floats(0.05, 0.995), st.floats(0.5, 0.999))
def test_needed_samples_are_the_fewest_that_obey_the_rule(share: float, confidence: float) -> None:
    def chance_of_at_most_one_beyond(samples: int) -> float:
        return share**samples + samples * (1 - share) * share ** (samples - 1)

    needed = count_needed(share, confidence)
    assert chance_of_at_most_one_beyond(needed) <= (1 - confidence) * (1 + 1e-9)
    assert needed == 2 or chance_of_at_most_one_beyond(needed - 1) > (1 - confidence) * (1 - 1e-9)


@given(st.integers(1, 400), st.floats(0.05, 0.995))
def test_allowed_samples_are_those_of_the_exact_binomial(samples: int, share: float) -> None:
    allowed = count_allowed(samples, share)
    total = 0.0
    for count in range(allowed + 2):
        if count > samples:
            break
        term = math.comb(samples, count) * (1 - share) ** count * share ** (samples - count)
        total += term
        if count == allowed:
            assert total <= 0.01 * (1 + 1e-9)
    assert allowed == samples or total > 0.01 * (1 - 1e-9)


def test_the_bound_holds_as_often_as_it_claims() -> None:
    # 99 % of 2,000 draws, less four standard deviations of that count.
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        ordered = sorted(generator.exponential(size=100))
        bound = bound_percentile(ordered, 0.9)
        assert bound is not None
        held += bound >= -math.log(0.1)
    assert held >= 2000 * 0.99 - 4 * math.sqrt(2000 * 0.99 * 0.01)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_percentile_is_numpys_nearest_rank(values: list[float], share: float) -> None:
    expected = np.percentile(values, share * 100, method="inverted_cdf")
    assert percentile(sorted(values), share) == expected


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, math.nan])
def test_shares_without_a_meaning_are_refused(share: float) -> None:
    with pytest.raises(UsageProblem):
        percentile([1.0], share)
    with pytest.raises(UsageProblem):
        count_needed(share)


def test_percentiles_without_enough_samples_are_none() -> None:
    few, some = (summarise_latency([tuple(map(float, range(1, count + 1)))]) for count in (63, 64))
    assert (few.p50, few.p90, few.at_most["p90"]) == (32, None, None)
    assert (some.p90, some.p99, some.p99_9) == (58, None, None)
    # The largest sample is dropped, the second largest bounds the percentile.
    assert some.at_most == {"p90": 63, "p99": None, "p99_9": None}
    assert summarise_latency([tuple(map(float, range(1, 663)))]).p99 == 656


def test_nothing_is_left_out() -> None:
    latency = summarise_latency([(1.0, 900.0), (2.0,)])
    assert (latency.least, latency.largest, latency.samples) == (1.0, 900.0, 3)
    assert latency.mean == pytest.approx(301)
    assert latency.rounds_ms == ((1.0, 900.0), (2.0,))


def test_no_sample_is_refused() -> None:
    with pytest.raises(UsageProblem):
        summarise_latency([])
