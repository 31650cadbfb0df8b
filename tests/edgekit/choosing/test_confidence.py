"""What a number of images can show."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from edgekit.choosing.confidence import count_needed, judge_support, sum_binomial


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.001, 0.999))
def test_the_sum_is_the_binomial_distribution(count: int, total: int, rate: float) -> None:
    assert sum_binomial(count, total, rate) == pytest.approx(binom.cdf(count, total, rate), abs=1e-9)


@pytest.mark.parametrize(("limit", "needed"), [("1/200", 598), ("1/50", 149), ("1/20", 59), ("1/2", 5)])
def test_images_without_an_error_that_show_a_limit(limit: str, needed: int) -> None:
    assert count_needed(Fraction(limit)) == needed
    assert judge_support("escape", Fraction(limit), 0, needed).shown
    assert not judge_support("escape", Fraction(limit), 0, needed - 1).shown


def test_more_errors_need_more_images() -> None:
    # Of 10,000, 37 errors are 0.37 %; the limit of 0.5 % is supported with at most 38.
    limit = Fraction(1, 200)
    assert judge_support("escape", limit, 38, 10_000).shown
    assert not judge_support("escape", limit, 39, 10_000).shown


def test_statements() -> None:
    assert judge_support("escape", Fraction(1, 200), 0, 120).describe() == (
        "escape at most 0.5 %: not supported at 95 % confidence (0 of 120 independent cases; 598 without any would be "
        "needed at least)"
    )
    assert judge_support("overkill", Fraction(1, 10), 2, 200).describe() == (
        "overkill at most 10 %: supported at 95 % confidence (2 of 200 independent cases)"
    )
    never = judge_support("escape", Fraction(0), 0, 10_000)
    assert (never.shown, never.needed) == (False, None)
    assert "no number of images shows it" in never.describe()
    assert never.to_dict()["of"] == 10_000
