"""The method of timing, with a clock that the test turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks.latency import MINIMUM_SAMPLES, measure_latency, percentile
from edgekit_runtime.errors import UsageProblem


class Clock:
    """Seconds that pass only where the measured call says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_percentiles_are_those_of_the_timed_calls_alone() -> None:
    clock, calls = Clock(), 0

    def call() -> None:
        nonlocal calls
        calls += 1
        # Warm-up calls are slow; the timed ones take 1 to 100 ms.
        clock.now += 9.0 if calls <= 3 else (calls - 3) / 1e3

    report = measure_latency(call, warmup=3, samples=100, limit_s=1e9, clock=clock)
    assert (report.p50, report.p90) == (pytest.approx(50), pytest.approx(90))
    assert (report.samples, report.warmup, calls) == (100, 3, 103)


def test_a_slow_subject_stops_at_the_limit_with_enough_samples() -> None:
    clock = Clock()

    def call() -> None:
        clock.now += 100.0

    report = measure_latency(call, warmup=20, samples=200, limit_s=30.0, clock=clock)
    assert (report.samples, report.warmup) == (MINIMUM_SAMPLES, 1)


@pytest.mark.parametrize(("warmup", "samples"), [(0, 50), (1, MINIMUM_SAMPLES - 1)])
def test_too_few_calls_are_refused(warmup: int, samples: int) -> None:
    with pytest.raises(UsageProblem, match="at least"):
        measure_latency(lambda: None, warmup=warmup, samples=samples)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60),
    st.floats(0.01, 1.0),
)
def test_percentile_is_numpys_nearest_rank(values: list[float], share: float) -> None:
    expected = np.percentile(values, share * 100, method="inverted_cdf")
    assert percentile(values, share) == expected


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_percentile_refuses_shares_without_a_meaning(share: float) -> None:
    with pytest.raises(UsageProblem):
        percentile([1.0], share)
