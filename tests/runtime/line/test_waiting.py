"""Strips that wait: few, in their order, and none of them lost without a trace."""

import threading
import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.line.strips import Arrival
from edgekit_runtime.line.waiting import WaitingStrips


def arrival(value=0, rows=2, lost=0):
    return Arrival(lost, None if rows is None else np.full((rows, 1), value, np.uint8), float(value))


def drain(waiting):
    taken = []
    while (found := waiting.take(0.0)) is not None:
        taken.append(found)
    return taken


def test_strips_come_out_in_their_order():
    waiting = WaitingStrips(3, "queue-all")
    for value in (1, 2, 3):
        assert waiting.put(arrival(value))
    assert [found.captured_s for found in drain(waiting)] == [1, 2, 3]
    assert (waiting.overruns, waiting.dropped) == (0, 0)


def test_the_oldest_gives_way_and_its_rows_are_lost_before_the_next():
    waiting = WaitingStrips(2, "newest-wins")
    for value in (1, 2, 3, 4):
        waiting.put(arrival(value, rows=value))
    found = drain(waiting)
    assert [(one.captured_s, one.lost_rows, len(one.rows)) for one in found] == [(3, 3, 3), (4, 0, 4)]
    assert [one.lost_since_s for one in found] == [1, None]
    assert waiting.dropped == 2


@given(st.lists(st.tuples(st.none() | st.integers(1, 5), st.integers(0, 5)), max_size=30), st.integers(1, 4))
def test_every_row_comes_out_inspected_or_lost(strips, room):
    waiting = WaitingStrips(room, "newest-wins")
    for rows, lost in strips:
        waiting.put(arrival(rows=rows, lost=lost))
    found = drain(waiting)
    assert len(found) <= room
    assert sum(one.height for one in found) == sum((rows or 0) + lost for rows, lost in strips)


def test_a_source_that_finds_no_room_waits_and_is_counted():
    waiting = WaitingStrips(1, "queue-all")
    waiting.put(arrival(1))
    putting = threading.Thread(target=waiting.put, args=(arrival(2),))
    putting.start()
    while not waiting.overruns:
        time.sleep(1e-3)
    assert waiting.take(0.0).captured_s == 1
    putting.join()
    assert waiting.take(0.0).captured_s == 2
    assert waiting.overruns == 1


def test_what_waits_for_room_when_the_line_stops_is_still_taken():
    waiting = WaitingStrips(1, "queue-all")
    waiting.put(arrival(1))
    answers = []
    putting = threading.Thread(target=lambda: answers.append(waiting.put(arrival(2))))
    putting.start()
    while not waiting.overruns:
        time.sleep(1e-3)
    waiting.close()
    putting.join()
    assert answers == [False]
    assert [one.captured_s for one in drain(waiting)] == [1, 2]
    assert not waiting.put(arrival(3))
    assert waiting.exhausted


def test_what_waits_for_room_is_seen_by_whoever_asks_whether_all_is_taken():
    """The line may ask before the source's thread has run again."""
    waiting = WaitingStrips(1, "queue-all")
    waiting.put(arrival(1))
    putting = threading.Thread(target=waiting.put, args=(arrival(2),))
    putting.start()
    while not waiting.overruns:
        time.sleep(1e-3)
    with waiting._changed:  # the source's thread cannot run before this is left
        assert [one.captured_s for one in waiting._waiting] == [1, 2]
    waiting.close()
    putting.join()


def test_the_first_end_holds():
    waiting = WaitingStrips(1, "queue-all")
    waiting.end(OSError("stalled"))
    waiting.end()
    assert str(waiting.error) == "stalled"


def test_an_end_is_an_end_once_nothing_waits():
    waiting = WaitingStrips(2, "queue-all")
    waiting.put(arrival(1))
    waiting.end(OSError("gone"))
    assert not waiting.exhausted
    drain(waiting)
    assert waiting.exhausted
    assert str(waiting.error) == "gone"
