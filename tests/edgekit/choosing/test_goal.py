"""What is asked of a threshold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.choosing.goal import Goal, format_share, parse_share
from edgekit_runtime.errors import UsageProblem

GOALS = (
    Goal(max_escape=Fraction(1, 200)),
    Goal(max_overkill=Fraction(1, 50)),
    Goal(cost_ratio=20.0),
    Goal(max_escape=Fraction(1, 20), cost_ratio=3.0),
    Goal(max_escape=Fraction(1, 20), max_overkill=Fraction(1, 10)),
)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.5%", Fraction(1, 200)),
        ("0.005", Fraction(1, 200)),
        (" 2 % ", Fraction(1, 50)),
        ("0", Fraction(0)),
        (".02", Fraction(1, 50)),
        ("99.9%", Fraction(999, 1000)),
    ],
)
def test_a_share_is_a_percentage_or_a_fraction(text: str, share: Fraction) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "much", "-1%", "nan", "1e-3", "1", "100%", "5", "0.5 percent", "1,5%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="no share of images"):
        parse_share(text)


def test_a_goal_needs_something_to_reach() -> None:
    with pytest.raises(UsageProblem, match="Nothing says"):
        Goal()


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cost_ratio_is_a_number_above_0(ratio: float) -> None:
    with pytest.raises(UsageProblem, match="above 0"):
        Goal(cost_ratio=ratio)


def test_goals_in_words() -> None:
    assert [goal.describe() for goal in GOALS] == [
        "escape at most 0.5 %, least overkill",
        "overkill at most 2 %, least escape",
        "least cost, an escape counting as 20 overkills",
        "escape at most 5 %; least cost, an escape counting as 3 overkills",
        "escape at most 5 % and overkill at most 10 %",
    ]
    assert format_share(Fraction(1, 3)) == "33.3 %"


def rank(goal: Goal, escapes: int, overkills: int) -> tuple[float, ...]:
    ranks = goal.rank(np.array([escapes]), np.array([overkills]), defective=120, normal=100)
    return tuple(float(entry[0]) for entry in ranks)


def test_a_limit_counts_whole_images() -> None:
    # 3 of 120 are 2.5 %, which binary fractions do not hold exactly.
    goal = Goal(max_escape=parse_share("2.5%"))
    assert rank(goal, 3, 99) < rank(goal, 4, 0)
    assert rank(goal, 3, 5) < rank(goal, 0, 6)
    # 0.5 % of 120 is less than one image.
    assert rank(Goal(max_escape=parse_share("0.5%")), 0, 99) < rank(
        Goal(max_escape=parse_share("0.5%")), 1, 0
    )


def test_limits_come_before_costs() -> None:
    goal = Goal(max_escape=Fraction(1, 20), cost_ratio=1.0)
    assert rank(goal, 6, 90) < rank(goal, 7, 0)
    assert rank(goal, 6, 0) < rank(goal, 0, 7)
    assert rank(Goal(cost_ratio=20.0), 1, 0) > rank(Goal(cost_ratio=20.0), 0, 19)
    assert rank(Goal(cost_ratio=20.0), 1, 0) < rank(Goal(cost_ratio=20.0), 0, 21)


def test_accepting_or_rejecting_everything_is_the_last_resort() -> None:
    for goal in GOALS:
        assert rank(goal, 119, 99) < rank(goal, 0, 100)
        assert rank(goal, 119, 99) < rank(goal, 120, 0)


@given(
    st.sampled_from(GOALS),
    st.integers(0, 120),
    st.integers(0, 100),
    st.integers(0, 120),
    st.integers(0, 100),
)
def test_fewer_errors_are_never_worse(
    goal: Goal, escapes: int, overkills: int, fewer: int, fewest: int
) -> None:
    assert rank(goal, max(escapes - fewer, 0), max(overkills - fewest, 0)) <= rank(goal, escapes, overkills)


def test_a_limit_is_counted_exactly() -> None:
    goal = Goal(max_escape=parse_share("29%"))  # 0.29 * 100 is 28.999999999999996 in doubles
    _, excess, *_ = goal.rank(np.array([29, 30]), np.array([0, 0]), defective=100, normal=1)
    assert excess.tolist() == [0, 1]
