"""A stored web comes when it would have passed the camera."""

import numpy as np
import pytest

from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.line import PacedStrips, seconds_per_row


class Time:
    def __init__(self):
        self.now_s = 100.0
        self.slept = []

    def clock(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds


def test_each_strip_comes_when_its_last_row_has_passed():
    time = Time()
    strips = PacedStrips([np.zeros((4, 2)), np.zeros((2, 2))], 0.5, clock=time.clock, sleep=time.sleep)
    found = [(strip.number, strip.captured_s, time.now_s) for strip in strips]
    assert found == [(0, 102.0, 102.0), (1, 103.0, 103.0)]


def test_a_strip_that_is_asked_for_late_was_captured_in_time():
    time = Time()
    strips = PacedStrips([np.zeros((4, 2))] * 2, 0.5, clock=time.clock, sleep=time.sleep)
    asked = iter(strips)
    next(asked)
    time.now_s = 200.0
    assert next(asked).captured_s == 104.0
    assert time.slept == [2.0]


def test_while_a_strip_takes_longer_to_make_than_to_pass_the_web_stands_still():
    time = Time()

    def make():
        for seconds in (1.0, 5.0, 1.0):  # each passes in 2 s
            time.now_s += seconds
            yield np.zeros((4, 2))

    strips = PacedStrips(make(), 0.5, clock=time.clock, sleep=time.sleep)
    assert [(strip.captured_s, time.now_s) for strip in strips] == [
        (102.0, 102.0),
        (107.0, 107.0),
        (109.0, 109.0),
    ]
    assert strips.stood_still_s == 3.0


def test_a_line_that_is_too_slow_is_not_excused_by_a_source_that_is_busy():
    time = Time()

    def make():
        while True:
            time.now_s += 1.9  # each passes in 2 s
            yield np.zeros((4, 2))

    strips = PacedStrips(make(), 0.5, clock=time.clock, sleep=time.sleep)
    ages = []
    for strip in strips:
        ages.append(time.now_s - strip.captured_s)
        time.now_s += 1.0  # there was no room
        if len(ages) == 4:
            break
    assert ages == pytest.approx([0.0, 0.9, 1.8, 2.7])


def test_a_strip_that_could_not_be_read_takes_its_time():
    time = Time()
    items = [np.zeros((4, 2)), IoFault("torn"), np.zeros((4, 2))]
    strips = list(PacedStrips(items, 0.5, clock=time.clock, sleep=time.sleep))
    assert [strip.captured_s for strip in strips] == [102.0, 104.0, 106.0]


def test_the_papers_line_takes_a_strip_of_512_rows_in_the_time_of_162_5_mm():
    assert 512 * seconds_per_row(60.0, 162.5 / 512) == pytest.approx(0.1625)


@pytest.mark.parametrize(("speed", "scale"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1), (1, float("inf"))])
def test_speeds_and_scales_are_positive_numbers(speed, scale):
    with pytest.raises(UsageProblem, match="must be a positive number"):
        seconds_per_row(speed, scale)
