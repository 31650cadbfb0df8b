"""Bars and histograms."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.checking.charts import BINS, HEIGHT_PX, count_logarithmic, draw_bar, draw_histogram


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1))
def test_every_value_falls_into_a_bin(values: list[int]) -> None:
    counts = count_logarithmic(values, max(values))
    assert len(counts) == BINS
    assert sum(counts) == len(values)


def test_bins_have_equal_ratios() -> None:
    counts = count_logarithmic([1, 1.9, 2.1, 3.9, 2**BINS], 2**BINS)
    assert counts == [2, 2, *[0] * (BINS - 3), 1]


def test_the_fullest_bin_is_as_high_as_the_chart_and_no_filled_bin_vanishes() -> None:
    chart = draw_histogram([1] * 1000 + [900], 1000, "areas")
    heights = [float(height) for height in re.findall(r'class="fill".*? height="([0-9.]+)"', chart)]
    assert heights == [HEIGHT_PX, 2]


def test_a_bar_is_as_long_as_its_share() -> None:
    assert 'class="fill" width="25.00"' in draw_bar(0.25, "a quarter")


@pytest.mark.parametrize(
    "draw", [lambda words: draw_bar(1, words), lambda words: draw_histogram([1], 2, words)]
)
def test_words_are_escaped(draw) -> None:
    assert 'aria-label="&quot;&lt;b&gt;"' in draw('"<b>')
