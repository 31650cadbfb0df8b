"""Scattered marks: each stretch knows its own, and what is left out depends on the surroundings alone."""

from __future__ import annotations

import pytest

from edgekit.data.fabric.end_out import LONGEST
from edgekit.data.fabric.placing import GAP_PX, STRETCH, Scatter
from edgekit.data.fabric.positional import Stream
from edgekit.data.fabric.web import KINDS

WIDTH, ROWS = 500, 40 * STRETCH


def make_scatter(*, apart: bool, per_row: float = 0.02) -> Scatter:
    return Scatter(
        list(KINDS.values()),
        per_row=per_row,
        longest=LONGEST,
        apart=apart,
        width=WIDTH,
        seed=1,
        stream=Stream.DEFECTS,
    )


@pytest.mark.parametrize("apart", [False, True])
def test_a_window_holds_what_reaches_into_it_whatever_was_asked_before(apart: bool) -> None:
    every = make_scatter(apart=apart).marks(0, ROWS)
    for y1 in range(ROWS - 700, 0, -3777):  # backwards, and with a fresh scatter's empty memory
        found = make_scatter(apart=apart).marks(y1, y1 + 700)
        assert set(found) == {mark for mark in every if mark.place.y1 < y1 + 700 and mark.place.y2 > y1}


def test_marks_lie_between_the_edges_and_are_as_many_as_asked() -> None:
    marks = make_scatter(apart=False).marks(0, ROWS)
    assert 320 < len(marks) < 500  # 410 expected, 20 their standard deviation
    assert all(0 <= mark.place.x1 < mark.place.x2 <= WIDTH for mark in marks)
    assert all(0 <= mark.place.y1 < mark.place.y2 <= mark.place.y1 + LONGEST for mark in marks)


def test_of_marks_that_meet_one_is_left() -> None:
    everything, kept = (make_scatter(apart=apart).marks(0, ROWS) for apart in (False, True))
    assert set(kept) < set(everything)
    for index, one in enumerate(kept):
        assert not any(one.place.meets(other.place, gap=GAP_PX) for other in kept[index + 1 :])
    for lost in set(everything) - set(kept):
        assert any(lost.place.meets(other.place, gap=GAP_PX) for other in everything if other != lost)


def test_nothing_is_scattered_where_nothing_is_asked_for() -> None:
    assert make_scatter(apart=True, per_row=0.0).marks(0, ROWS) == []
