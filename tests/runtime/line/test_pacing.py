"""A stored web comes when it would have passed the camera."""

import numpy as np
import pytest

from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.line import pace_strips, seconds_per_row


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
    strips = pace_strips([np.zeros((4, 2)), np.zeros((2, 2))], 0.5, clock=time.clock, sleep=time.sleep)
    found = [(strip.number, strip.captured_s, time.now_s) for strip in strips]
    assert found == [(0, 102.0, 102.0), (1, 103.0, 103.0)]


def test_a_strip_that_is_asked_for_late_was_captured_in_time():
    time = Time()
    strips = pace_strips([np.zeros((4, 2))] * 2, 0.5, clock=time.clock, sleep=time.sleep)
    next(strips)
    time.now_s = 200.0
    assert next(strips).captured_s == 104.0
    assert time.slept == [2.0]


def test_a_strip_that_could_not_be_read_takes_its_time():
    time = Time()
    items = [np.zeros((4, 2)), IoFault("torn"), np.zeros((4, 2))]
    strips = list(pace_strips(items, 0.5, clock=time.clock, sleep=time.sleep))
    assert [strip.captured_s for strip in strips] == [102.0, 104.0, 106.0]


def test_the_papers_line_takes_a_strip_of_512_rows_in_the_time_of_162_5_mm():
    assert 512 * seconds_per_row(60.0, 162.5 / 512) == pytest.approx(0.1625)


@pytest.mark.parametrize(("speed", "scale"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1), (1, float("inf"))])
def test_speeds_and_scales_are_positive_numbers(speed, scale):
    with pytest.raises(UsageProblem, match="must be a positive number"):
        seconds_per_row(speed, scale)
