"""Running at a line's pace, with a clock that sleeping and working turn."""

from __future__ import annotations

import pytest

from edgekit_benchmarks.pacing import measure_paced
from edgekit_runtime.errors import UsageProblem
from tests.benchmarks.building import Clock


def test_a_fast_subject_keeps_the_pace() -> None:
    clock = Clock()

    def call(_number: int) -> None:
        clock.now += 0.004

    paced = measure_paced(call, rate_hz=25, seconds=2, clock=clock, sleep=clock.sleep)
    assert (paced.due, paced.answered, paced.missed) == (50, 50, 0)
    assert paced.achieved_hz == pytest.approx(25)
    assert paced.from_due_ms.p50 == pytest.approx(4)
    assert paced.jitter_ms == pytest.approx(0, abs=1e-6)


def test_a_late_sleeper_is_seen_from_due_and_not_from_start() -> None:
    clock = Clock()

    def oversleep(seconds: float) -> None:
        clock.now += seconds + 0.003

    def call(_number: int) -> None:
        clock.now += 0.004

    paced = measure_paced(call, rate_hz=25, seconds=2, clock=clock, sleep=oversleep)
    assert paced.from_due_ms.p50 == pytest.approx(7)
    assert paced.from_start_ms.p50 == pytest.approx(4)


def test_one_stall_delays_the_calls_behind_it() -> None:
    # 100 ms at a period of 40 ms: the stalled call and the one behind it miss; a tight loop would count one.
    clock = Clock()

    def call(number: int) -> None:
        clock.now += 0.1 if number == 5 else 0.01

    paced = measure_paced(call, rate_hz=25, seconds=1, clock=clock, sleep=clock.sleep)
    latencies = [time for block in paced.from_due_ms.rounds_ms for time in block]
    assert latencies[4:9] == pytest.approx([10, 100, 70, 40, 10])
    assert paced.missed == 2
    assert paced.jitter_ms > 10


def test_a_subject_that_cannot_keep_up_is_stopped_and_its_rest_is_missed() -> None:
    clock = Clock()

    def call(_number: int) -> None:
        clock.now += 1.0

    paced = measure_paced(call, rate_hz=10, seconds=2, clock=clock, sleep=clock.sleep)
    assert paced.due == 20
    assert paced.answered == 5
    assert paced.missed == 20
    assert paced.achieved_hz == pytest.approx(1)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e6])
def test_rates_that_are_none_are_refused(rate: float) -> None:
    with pytest.raises(UsageProblem, match="rate"):
        measure_paced(lambda _number: None, rate_hz=rate, seconds=1)
