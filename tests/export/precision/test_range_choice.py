from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit_export.precision.histogram import MagnitudeHistogram
from edgekit_export.precision.range_choice import (
    LEVELS,
    choose_range,
    find_least_divergence,
    measure_divergence,
)

VALUES = arrays.arrays(np.float32, st.integers(1, 200), elements=st.floats(-1e6, 1e6, width=32))


def histogram_of(values) -> MagnitudeHistogram:
    histogram = MagnitudeHistogram()
    histogram.add(np.asarray(values, np.float32))
    return histogram


def divergence_by_loops(bins: list[float], kept: int) -> float:
    """Follow Migacz's description bin by bin."""
    reference = list(bins[:kept])
    reference[-1] += sum(bins[kept:])
    approximation = [0.0] * kept
    for level in range(LEVELS):
        members = [index for index in range(kept) if index * LEVELS // kept == level]
        filled = [index for index in members if bins[index] > 0]
        for index in filled:
            approximation[index] = sum(bins[item] for item in members) / len(filled)
    before, after = sum(reference), sum(approximation)
    total = 0.0
    for p, q in zip(reference, approximation, strict=True):
        if p > 0 and q == 0:
            return math.inf
        if p > 0:
            total += p / before * math.log((p / before) / (q / after))
    return total


@settings(max_examples=100, deadline=None, derandomize=True)
@given(counts=arrays.arrays(np.int64, st.integers(LEVELS, 400), elements=st.integers(0, 50)), data=st.data())
def test_divergence_is_that_of_its_definition(counts, data):
    counts[-1] = 1
    kept = data.draw(st.integers(LEVELS, len(counts)))
    bins = counts.astype(np.float64)
    wanted, found = divergence_by_loops(list(bins), kept), measure_divergence(bins, kept)
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(counts=arrays.arrays(np.int64, st.integers(LEVELS, 250), elements=st.integers(0, 50)))
def test_the_search_finds_the_least(counts):
    counts[-1] = 1
    bins = counts.astype(np.float64)
    bins[0] = bins[1]
    least = min(divergence_by_loops(list(bins), kept) for kept in range(LEVELS, len(bins) + 1))
    found = divergence_by_loops(list(bins), find_least_divergence(counts))
    assert found == pytest.approx(least, rel=1e-9, abs=1e-12)


def test_entropy_clips_what_stands_alone_far_out():
    rng = np.random.default_rng(0)
    values = np.append(rng.normal(size=200_000), [40.0])
    assert 2.5 < choose_range(histogram_of(values), "entropy") < 8


def test_entropy_does_not_mind_zeros():
    rng = np.random.default_rng(0)
    values = rng.normal(size=20_000)
    with_zeros = np.append(values, np.zeros(1_000_000))
    assert choose_range(histogram_of(with_zeros), "entropy") == choose_range(histogram_of(values), "entropy")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=VALUES, low=st.floats(0.1, 100), high=st.floats(0.1, 100))
def test_ranges_grow_with_the_percentile(values, low, high):
    low, high = sorted((low, high))
    histogram = histogram_of(values)
    narrow, wide = (choose_range(histogram, "percentile", item) for item in (low, high))
    assert narrow <= wide <= choose_range(histogram, "max")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=VALUES, percentile=st.floats(1, 100))
def test_a_percentile_holds_its_share(values, percentile):
    histogram = histogram_of(values)
    largest = choose_range(histogram, "percentile", percentile)
    held = np.mean(np.abs(values) <= largest) * 100
    assert held >= percentile - 1e-9
    # Two bins narrower it would not, whichever way values meet their edges.
    if largest > 0:
        assert np.mean(np.abs(values) <= largest - 2 * histogram.width) * 100 < percentile + 1e-9


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=VALUES)
def test_the_largest_is_exact(values):
    assert choose_range(histogram_of(values), "max") == np.abs(values).max()


@pytest.mark.parametrize("method", ["max", "percentile", "entropy"])
def test_zeros_have_no_range(method):
    assert choose_range(histogram_of([0.0, 0.0]), method) == 0.0
