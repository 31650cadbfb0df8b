"""Which images leave elsewhere or are called otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_benchmarks.flips import ExitRows, Flips, count_flips
from edgekit_runtime.errors import UsageProblem

EXACT = ExitRows(
    np.array(
        [
            [[0.9, 0.1], [0.8, 0.2]],
            [[0.4, 0.6], [0.3, 0.7]],
            [[0.55, 0.45], [0.2, 0.8]],
        ],
        np.float32,
    ),
    np.array([1, 2, 2]),
)


def change(row: int, leave: int, probabilities: list[float], exits: list[int]) -> ExitRows:
    """Return the rows with other probabilities of one row at one exit, and these exits."""
    changed = EXACT.probabilities.copy()
    changed[row, leave - 1] = probabilities
    return ExitRows(changed, np.array(exits))


def test_what_is_the_same_has_no_flips() -> None:
    assert count_flips(EXACT, EXACT) == Flips(3, 0, 0, 0, (0, 0), 0.0)


def test_another_class_at_an_exit_that_does_not_answer_is_no_other_answer() -> None:
    found = count_flips(EXACT, change(1, 1, [0.6, 0.4], [1, 2, 2]))
    assert (found.classes, found.at_exit) == (0, (1, 0))
    assert found.largest_difference == pytest.approx(0.2)


def test_leaving_elsewhere_may_change_the_answer() -> None:
    # Image 2 is of class 0 at exit 1 and of class 1 at exit 2.
    earlier = count_flips(EXACT, ExitRows(EXACT.probabilities, np.array([1, 2, 1])))
    assert (earlier.exits, earlier.earlier, earlier.classes, earlier.at_exit) == (1, 1, 1, (0, 0))
    later = count_flips(EXACT, ExitRows(EXACT.probabilities, np.array([2, 2, 2])))
    assert (later.exits, later.earlier, later.classes) == (1, 0, 0)


def test_what_is_no_number_is_no_class() -> None:
    found = count_flips(EXACT, change(0, 1, [np.nan, np.nan], [1, 2, 2]))
    assert (found.classes, found.at_exit) == (1, (1, 0))
    assert np.isnan(found.largest_difference)


def test_other_images_are_not_compared() -> None:
    with pytest.raises(UsageProblem, match="cannot be compared"):
        count_flips(EXACT, ExitRows(EXACT.probabilities[:2], EXACT.exits[:2]))
