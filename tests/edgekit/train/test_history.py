"""What a history says of its phases."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.train.history import entries_of, find_best, is_over, score_of
from tests.edgekit.train.runs import tiny_recipe


def make(*scores: float | None, phase: str | None = None, first: int = 1) -> list[dict[str, Any]]:
    named = {} if phase is None else {"phase": phase}
    return [{"epoch": first + place, **named, "macc": score} for place, score in enumerate(scores)]


def test_entries_by_phase() -> None:
    first, second = make(0.5, 0.6, phase="a"), make(0.1, phase="b", first=3)
    assert entries_of([*first, *second], "a") == first
    assert entries_of([*first, *second], "b") == second
    assert entries_of(make(0.5), None) == make(0.5)
    assert entries_of(first, None) == []


def test_the_best_is_the_first_of_the_largest_and_no_value_is_worst() -> None:
    assert find_best(make(None, 0.2, 0.7, 0.7), "macc")["epoch"] == 3
    assert find_best(make(None, 0.0), "macc")["epoch"] == 2
    assert score_of({"macc": None}, "macc") < 0


@pytest.mark.parametrize(
    ("scores", "patience", "over"),
    [
        ((), None, False),
        ((), 1, False),
        ((0.5,) * 3, None, False),
        ((0.5,) * 4, None, True),
        ((0.5, 0.4), 2, False),
        ((0.5, 0.4, 0.4), 2, True),
        ((0.5, 0.4, 0.6), 2, False),
    ],
)
def test_a_phase_is_over_with_its_epochs_or_its_patience(
    scores: tuple[float, ...], patience: int | None, over: bool
) -> None:
    recipe = tiny_recipe(epochs=4, patience=patience)
    # The second phase of a run: its epochs are counted from where it began.
    assert is_over(make(*scores, phase="b", first=9), recipe, "macc") == over
