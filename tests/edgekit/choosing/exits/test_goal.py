"""What is asked of thresholds of exits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.choosing.exits.criterion import SUMS
from edgekit.choosing.exits.goal import CostLimit, ExitGoal, format_macs, parse_cost
from edgekit.choosing.exits.table import ExitTable, count_last_exit, count_thresholds
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.choosing.exits.tables import criteria, make_table, tables

TWO, FIVE, SIXTY = Fraction(1, 50), Fraction(1, 20), CostLimit(Fraction(3, 5), relative=True)


def make_one() -> ExitTable:
    """Two exits: the first calls every image defective, surely; the last is right but for one image of each kind."""
    wrong = [[False, False], [False, True], [True, False], [True, True], [True, False]]
    return make_table(np.full((5, 2), 0.9), wrong, [True, True, False, False, False], macs=(100, 400))


@pytest.mark.parametrize(
    ("text", "amount", "relative"),
    [
        ("60%", Fraction(3, 5), True),
        ("0.6", Fraction(3, 5), True),
        ("100%", Fraction(1), True),
        ("12.5G", Fraction(12_500_000_000), False),
        (" 800 M ", Fraction(800_000_000), False),
        ("0.5T", Fraction(500_000_000_000), False),
    ],
)
def test_a_cost_is_a_share_or_a_number_of_operations(text: str, amount: Fraction, relative: bool) -> None:
    assert parse_cost(text) == CostLimit(amount, relative)


@pytest.mark.parametrize("text", ["", "much", "0", "0%", "101%", "2", "12", "-1G", "nan", "12 GB", "1e9"])
def test_what_is_no_cost_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="no cost of a frame"):
        parse_cost(text)


def test_a_goal_needs_something_to_reach() -> None:
    with pytest.raises(UsageProblem, match="Nothing says"):
        ExitGoal(defective_share=Fraction(1, 100))
    with pytest.raises(UsageProblem, match="what a frame may cost"):
        ExitGoal(max_escape=TWO, cost_ratio=5.0)
    with pytest.raises(UsageProblem, match="above 0"):
        ExitGoal(max_cost=SIXTY, cost_ratio=-1.0)


@pytest.mark.parametrize(
    ("goal", "small", "held", "words"),
    [
        (ExitGoal(TWO), "macs", "overkill", "escape at most 2 %, least expected cost"),
        (ExitGoal(None, TWO), "macs", "escape", "overkill at most 2 %, least expected cost"),
        (
            ExitGoal(TWO, FIVE),
            "macs",
            None,
            "escape at most 2 % and overkill at most 5 %, least expected cost",
        ),
        (
            ExitGoal(max_cost=SIXTY),
            "escape",
            "overkill",
            "expected cost at most 60 % of the last exit, least escape",
        ),
        (
            ExitGoal(None, FIVE, SIXTY),
            "escape",
            None,
            "overkill at most 5 % and expected cost at most 60 % of the last exit, least escape",
        ),
        (
            ExitGoal(TWO, None, CostLimit(Fraction(12_500_000_000), relative=False)),
            "overkill",
            None,
            "escape at most 2 % and expected cost at most 12.5 GMAC, least overkill",
        ),
        (
            ExitGoal(TWO, FIVE, SIXTY),
            "errors",
            None,
            "escape at most 2 % and overkill at most 5 % and expected cost at most 60 % of the last exit, least sum of "
            "escape and overkill",
        ),
        (
            ExitGoal(max_cost=SIXTY, cost_ratio=20.0),
            "errors",
            None,
            "expected cost at most 60 % of the last exit; least cost of errors, an escape counting as 20 overkills",
        ),
    ],
)
def test_what_is_made_small_and_what_is_held(
    goal: ExitGoal, small: str, held: str | None, words: str
) -> None:
    assert (goal.small, goal.held, goal.describe()) == (small, held, words)
    assert goal.to_dict()["words"] == words


def test_an_error_without_a_limit_is_held_to_that_of_the_last_exit() -> None:
    table = make_one()
    assert count_last_exit(table).overkills == 1
    criterion = ExitGoal(max_escape=Fraction(0)).apply(table)
    assert (criterion.most_escapes, criterion.most_overkills) == (0, 1)
    # The first exit finds both defects for a quarter of the cost, and rejects every good image.
    assert not criterion.holds(count_thresholds(table, (0.5, 0.5)))
    criterion = ExitGoal(max_overkill=Fraction(0)).apply(table)
    assert (criterion.most_escapes, criterion.most_overkills) == (1, 0)
    criterion = ExitGoal(max_cost=SIXTY, cost_ratio=2.0).apply(table)
    assert (criterion.most_escapes, criterion.most_overkills) == (None, None)


def test_a_limit_is_in_whole_images_and_in_operations() -> None:
    table = make_one()
    criterion = ExitGoal(Fraction(1, 2), Fraction(1, 3), SIXTY).apply(table)
    assert (criterion.most_escapes, criterion.most_overkills, criterion.most_macs) == (1, 1, 240.0)
    assert criterion.share == 2 / 5
    assert ExitGoal(max_cost=SIXTY, defective_share=TWO).apply(table).share == 0.02


def test_a_cost_below_that_of_the_first_exit_is_refused() -> None:
    assert ExitGoal(max_cost=parse_cost("25%")).apply(make_one()).most_macs == 100
    with pytest.raises(UsageProblem, match=r"100 MAC: 25 % of the last"):
        ExitGoal(max_cost=parse_cost("24.9%")).apply(make_one())


def test_the_expected_cost_is_that_of_the_line() -> None:
    table = make_table(
        [[0.9, 0.9], [0.1, 0.9], [0.9, 0.9]], np.zeros((3, 2)), [False, True, True], macs=(10, 90)
    )
    count = count_thresholds(table, (0.5, 0.5))
    assert ExitGoal(max_cost=SIXTY).apply(table).expect_count(count) == pytest.approx((10 + 90 + 10) / 3)
    rare = ExitGoal(max_cost=SIXTY, defective_share=Fraction(1, 100)).apply(table)
    assert rare.expect_count(count) == pytest.approx(0.99 * 10 + 0.01 * 50)


def test_a_limit_of_the_cost_that_is_just_met_is_met() -> None:
    # Two of three frames leave early: 3 MACs of 7. In doubles the thirds of the kinds of image add up to more than 3.
    table = make_table(
        [[0.9, 0.9], [0.9, 0.9], [0.1, 0.1]], np.zeros((3, 2)), [True, False, False], macs=(1, 7)
    )
    count = count_thresholds(table, (0.5, 0.5))
    criterion = ExitGoal(max_cost=CostLimit(Fraction(3, 7), relative=True)).apply(table)
    assert criterion.expect_count(count) > 3
    assert criterion.holds(count)
    assert not ExitGoal(max_cost=CostLimit(Fraction(29, 70), relative=True)).apply(table).holds(count)


def test_weighing_goes_by_the_share_of_the_line() -> None:
    table = make_one()
    early, late = (count_thresholds(table, (threshold, 0.5)) for threshold in (0.5, 1.0))
    assert [(count.escapes, count.overkills) for count in (early, late)] == [(0, 3), (1, 1)]
    for share, least in ((Fraction(9, 10), early), (Fraction(1, 10), late)):
        criterion = ExitGoal(max_cost=parse_cost("100%"), cost_ratio=1.0, defective_share=share).apply(table)
        # The early exit rejects every good image: that comes first, whatever the weights.
        weighed = {count.escapes: criterion.rank_count(count)[3] for count in (early, late)}
        assert min(weighed, key=lambda escapes: weighed[escapes]) == least.escapes
        assert criterion.rank_count(early)[0] == 1.0


def test_what_is_equal_so_far_goes_by_cost_before_errors() -> None:
    table = make_one()
    criterion = ExitGoal(max_cost=SIXTY).apply(table)
    count = count_thresholds(table, (0.5, 0.5))
    assert criterion.rank_count(count)[4:] == (criterion.expect_count(count), count.escapes, count.overkills)
    assert criterion.expect_count(count) not in (count.escapes, count.overkills)


@given(st.data())
def test_more_errors_and_more_cost_are_never_better(data: st.DataObject) -> None:
    criterion = data.draw(criteria(data.draw(tables(most_exits=2))))
    sums = np.array(data.draw(st.lists(st.integers(0, 20), min_size=SUMS, max_size=SUMS)), np.float64)
    more = sums + np.array(data.draw(st.lists(st.integers(0, 5), min_size=SUMS, max_size=SUMS)), np.float64)
    for less, rank in zip(criterion.rank(sums[:, None]), criterion.rank(more[:, None]), strict=True):
        # But for telling nothing apart, which a count beyond the images cannot mean.
        assert less[0] <= rank[0] or max(more[0] - criterion.defective, more[1] - criterion.normal) > 0


def test_operations_in_words() -> None:
    assert [format_macs(value) for value in (999, 1000, 12.428e9, 28.6e12)] == [
        "999 MAC",
        "1 KMAC",
        "12.4 GMAC",
        "28.6 TMAC",
    ]
