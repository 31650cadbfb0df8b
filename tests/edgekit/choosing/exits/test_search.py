"""The search against every choice of thresholds, on small tables."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.choosing.exits.criterion import Criterion
from edgekit.choosing.exits.search import search_exits
from edgekit.choosing.exits.table import count_thresholds
from tests.edgekit.choosing.exits.tables import criteria, make_table, tables, try_all


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_thresholds_are_better(data: st.DataObject) -> None:
    table = data.draw(tables())
    criterion = data.draw(criteria(table))
    outcome = search_exits(table, criterion)
    assert outcome.exhausted
    best = min(criterion.rank_count(count) for count in try_all(table))
    assert criterion.rank_count(outcome.chosen) == best


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_chosen_can_be_written_and_counted_again(data: st.DataObject) -> None:
    table = data.draw(tables())
    chosen = search_exits(table, data.draw(criteria(table))).chosen
    assert chosen.thresholds is not None
    assert all(0 <= threshold <= 1 for threshold in chosen.thresholds)
    assert chosen.thresholds[-1] == table.thresholds[-1]
    again = count_thresholds(table, chosen.thresholds)
    assert np.array_equal(again.answers, chosen.answers)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_search_that_is_cut_short_says_so_and_never_loses_what_it_began_with(data: st.DataObject) -> None:
    table = data.draw(tables())
    criterion = data.draw(criteria(table))
    outcome = search_exits(table, criterion, most_work=0, most_cells=4)
    best = min(criterion.rank_count(count) for count in try_all(table))
    rank = criterion.rank_count(outcome.chosen)
    assert rank == best or not outcome.exhausted
    for start in (table.thresholds, (1.0,) * table.exits):
        assert rank <= criterion.rank_count(count_thresholds(table, start))


def make_random(count: int, exits: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidences, errors that are rarer where an exit is surer, and which images are defective."""
    generator = np.random.default_rng(seed)
    confidences = generator.uniform(1 / 3, 1, (count, exits)).astype(np.float32)
    wrong = generator.random((count, exits)) < 0.2 * (1 - confidences) + 0.002
    return confidences, wrong, generator.random(count) < 0.2


def test_thousands_of_images_are_searched_to_the_end() -> None:
    table = make_table(*make_random(4000, 4, 1), macs=(4912, 12428, 22226, 28601))
    least = Criterion(40, 120, None, "macs", None, 0.01, table.defective_count, table.normal_count)
    outcome = search_exits(table, least)
    assert outcome.exhausted
    assert least.holds(outcome.chosen)
    generator = np.random.default_rng(2)
    ranks = [
        least.rank_count(count_thresholds(table, (*generator.uniform(0.3, 1, 3), 0.5))) for _ in range(300)
    ]
    assert least.rank_count(outcome.chosen) < min(ranks)


def test_many_exits_end_without_a_proof() -> None:
    table = make_table(*make_random(2000, 12, 1))
    criterion = Criterion(20, 60, None, "macs", None, 0.5, table.defective_count, table.normal_count)
    outcome = search_exits(table, criterion, most_work=1 << 20)
    assert not outcome.exhausted
    assert criterion.holds(outcome.chosen)
    rank, chosen = criterion.rank_count(outcome.chosen), outcome.chosen.thresholds
    assert chosen is not None
    assert rank < criterion.rank_count(count_thresholds(table, table.thresholds))
    # Nor is one threshold alone better elsewhere: pairs of neighbours were set anew until that did not help.
    for level in range(11):
        for threshold in np.linspace(1 / 3, 1, 60):
            other = (*chosen[:level], float(threshold), *chosen[level + 1 :])
            assert rank <= criterion.rank_count(count_thresholds(table, other))


def test_bounds_that_were_left_out_leave_no_proof() -> None:
    # Every defect is overlooked by the first exit: a hundred bounds, of which two are looked at at a time.
    confidences = np.stack([np.linspace(0.4, 0.9, 200), np.full(200, 0.9)], axis=1)
    defective = np.arange(200) % 2 == 0
    wrong = np.stack([defective, np.zeros(200, np.bool_)], axis=1)
    table = make_table(confidences, wrong, defective, thresholds=(0.9, 0.9))
    criterion = Criterion(50, None, None, "macs", None, 0.5, 100, 100)
    whole, part = search_exits(table, criterion), search_exits(table, criterion, most_cells=4)
    assert whole.exhausted
    assert not part.exhausted
    assert whole.chosen.escapes == 50


def test_an_exit_that_answers_all_rightly_answers_all() -> None:
    table = make_table(
        [[0.9, 0.9], [0.8, 0.9], [0.7, 0.9], [0.6, 0.9]], np.zeros((4, 2)), [True, True, False, False]
    )
    criterion = Criterion(0, 0, None, "macs", None, 0.5, 2, 2)
    chosen = search_exits(table, criterion).chosen
    assert chosen.answers.tolist() == [0, 0, 0, 0]
    assert chosen.thresholds == (
        0.47,
        0.6,
    )  # between a third, which no confidence is below, and the least sure image
