"""Shares of counted cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edgekit.evaluation.rates import Rate


@given(total=st.integers(1, 500), share=st.floats(0, 1))
def test_the_interval_is_wilsons(total: int, share: float) -> None:
    count = round(share * total)
    expected = binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert Rate(count, total).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_none_of_few_is_not_proof_of_none() -> None:
    low, high = Rate(0, 10).interval
    assert low == 0.0
    assert 0.25 < high < 0.3
    low, high = Rate(10, 10).interval
    assert (0.7 < low < 0.75, high) == (True, 1.0)


def test_without_a_case_there_is_no_value() -> None:
    assert Rate(0, 0).to_dict() == {"rate": None, "count": 0, "of": 0, "interval": None}


def test_the_document_says_what_was_counted() -> None:
    rate = Rate(1, 4)
    assert rate.to_dict() == {"rate": 0.25, "count": 1, "of": 4, "interval": list(rate.interval)}
