"""Contestants in turn."""

from __future__ import annotations

from collections import Counter

import numpy as np

from edgekit_benchmarks.interleaving import Schedule, measure_interleaved, plan_rounds
from edgekit_benchmarks.profiles import LEAST_ROUNDS
from tests.benchmarks.building import Clock


def run(
    schedule: Schedule, *, seed: int = 0, cost_s: float = 0.001
) -> tuple[dict[str, object], list[tuple[str, int]]]:
    clock = Clock()
    log: list[tuple[str, int]] = []

    def make(name: str, factor: float):  # type: ignore[no-untyped-def]
        def call(number: int) -> None:
            log.append((name, number))
            clock.now += factor * cost_s

        return call

    calls = {"a": make("a", 1), "b": make("b", 10)}
    rounds = measure_interleaved(calls, schedule, generator=np.random.default_rng(seed), clock=clock)
    return dict(rounds), log


def test_every_round_has_one_block_of_each() -> None:
    rounds, log = run(Schedule(rounds=20, block=3, settling=1, limit_s=1e9))
    assert {name: len(blocks) for name, blocks in rounds.items()} == {"a": 20, "b": 20}
    assert all(len(block) == 3 for blocks in rounds.values() for block in blocks)
    for index in range(20):
        names = [name for name, _ in log[8 * index : 8 * index + 8]]
        assert Counter(names) == {"a": 4, "b": 4}
        assert len(set(names[:4])) == 1  # a block is not torn apart
    np.testing.assert_allclose(rounds["b"], 10.0)


def test_both_see_the_same_frames_in_the_same_round() -> None:
    _, log = run(Schedule(rounds=12, block=2, settling=1, limit_s=1e9))
    numbers = {name: [number for who, number in log if who == name] for name in "ab"}
    assert numbers["a"] == numbers["b"]
    assert numbers["a"][:6] == [0, 0, 1, 2, 2, 3]


def test_the_order_is_drawn_anew_and_by_the_seed() -> None:
    schedule = Schedule(rounds=40, block=1, settling=0, limit_s=1e9)
    first = [name for name, _ in run(schedule, seed=1)[1]][::2]
    assert 8 < first.count("a") < 32
    assert first == [name for name, _ in run(schedule, seed=1)[1]][::2]
    assert first != [name for name, _ in run(schedule, seed=2)[1]][::2]


def test_the_limit_ends_it_once_there_are_enough_rounds() -> None:
    rounds, _ = run(Schedule(rounds=500, block=1, settling=0, limit_s=1.0), cost_s=1.0)
    assert len(rounds["a"]) == LEAST_ROUNDS  # type: ignore[arg-type]


def test_plan_takes_single_calls_of_slow_contestants_and_settles_between_fast_ones() -> None:
    assert plan_rounds(662, slowest_s=0.01, limit_s=60) == Schedule(166, 4, 1, 60)
    assert plan_rounds(64, slowest_s=2.0, limit_s=60) == Schedule(64, 1, 0, 60)
    assert plan_rounds(64, slowest_s=0.01, limit_s=60, alone=True).settling == 0
    assert plan_rounds(1, slowest_s=0.01, limit_s=60).rounds == LEAST_ROUNDS
