"""Percentiles from bins: never too small, and at most 1 % too large."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.line.latencies import LatencyCounts


@given(st.lists(st.floats(2e-3, 1e8), min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_percentiles_are_those_of_the_values(values, share):
    counts = LatencyCounts()
    for value in values:
        counts.add(value)
    truth = float(np.percentile(values, 100 * share, method="inverted_cdf"))
    found = counts.percentile(share)
    # The bin's edge is a power of 1.01 and may round below the value by a few units of the last place.
    assert truth * (1 - 1e-9) <= found <= truth * 1.01 * (1 + 1e-9)
    assert counts.max_ms == max(values)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_the_largest(value):
    counts = LatencyCounts()
    counts.add(5.0)
    counts.add(value)
    assert counts.percentile(0.5) == pytest.approx(5.0, rel=0.011)
    assert counts.max_ms == math.inf


def test_there_is_no_percentile_of_nothing():
    assert LatencyCounts().percentile(0.5) is None
