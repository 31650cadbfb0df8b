"""Warm-up ends when the time has settled, and says when it had not."""

from __future__ import annotations

from edgekit_benchmarks.sampling import warm_up
from tests.benchmarks.building import Clock


def test_a_steady_call_is_warm_after_two_windows() -> None:
    clock = Clock()

    def call(_number: int) -> None:
        clock.now += 0.01

    warm = warm_up(call, limit_s=10, clock=clock)
    assert (warm.calls, warm.stable) == (10, True)


def test_a_call_that_becomes_faster_is_warmed_until_it_no_longer_does() -> None:
    clock = Clock()

    def call(number: int) -> None:
        clock.now += max(1.0 - number / 20, 0.1)

    warm = warm_up(call, limit_s=1000, clock=clock)
    assert warm.stable
    assert warm.calls == 30  # 18 calls until it is steady; two windows after that agree
    assert abs(warm.typical_s - 0.1) < 1e-9


def test_a_call_that_never_settles_is_stopped_and_said_so() -> None:
    clock = Clock()

    def call(number: int) -> None:
        clock.now += 1.0 + number

    warm = warm_up(call, limit_s=100, clock=clock)
    assert not warm.stable
    assert warm.seconds >= 100


def test_one_call_is_made_whatever_it_takes() -> None:
    clock = Clock()
    numbers: list[int] = []

    def call(number: int) -> None:
        numbers.append(number)
        clock.now += 60

    assert not warm_up(call, limit_s=1, clock=clock).stable
    assert numbers == [0]
