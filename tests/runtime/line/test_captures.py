"""A part's latency counts from the strip that brought its last row."""

from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.line.captures import CaptureTimes


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(1, 25))
def test_each_part_was_captured_with_the_strip_that_holds_its_last_row(heights, part_rows):
    captures = CaptureTimes(part_rows)
    ends, total = [], 0
    for number, height in enumerate(heights):
        captures.note(height, float(number))
        total += height
        ends.append(total)
    bounds = [*range(part_rows, total + 1, part_rows), total]
    for y2 in bounds:
        assert captures.take(y2) == next(number for number, end in enumerate(ends) if end >= y2)


def test_parts_may_be_asked_for_as_they_come():
    captures = CaptureTimes(10)
    captures.note(25, 1.0)
    assert [captures.take(10), captures.take(20)] == [1.0, 1.0]
    captures.note(5, 2.0)
    assert captures.take(30) == 2.0


def test_what_is_remembered_does_not_grow_with_the_strips_of_a_part():
    captures = CaptureTimes(1_000_000)
    for number in range(10_000):
        captures.note(10, float(number))
    assert len(captures._ends) == 0
