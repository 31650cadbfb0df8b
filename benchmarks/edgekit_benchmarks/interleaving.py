"""Contestants in turn, in one process: what slows the machine down slows all of them down.

A round gives every contestant one block of calls, in an order that is drawn anew each time. Ratios are taken within
rounds, so that neither a noisy neighbour nor a falling clock moves them, and no contestant always runs behind the
same other one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgekit_benchmarks.percentiles import Rounds
from edgekit_benchmarks.profiles import LEAST_ROUNDS
from edgekit_benchmarks.sampling import Call, Clock

LARGEST_BLOCK = 4
LONG_CALL_S = 0.25
"""From here on a call is longer than anything that the contestant before it has left behind."""


@dataclass(frozen=True)
class Schedule:
    """How often, and in which groups.

    Attributes:
        rounds: Rounds at most.
        block: Timed calls of each contestant per round.
        settling: Untimed calls before each block: the contestant before has filled the caches with its own data, and
            its threads may still spin.
        limit_s: No round begins after this many seconds, once there are 11.
    """

    rounds: int
    block: int
    settling: int
    limit_s: float


def plan_rounds(samples: int, *, slowest_s: float, limit_s: float, alone: bool = False) -> Schedule:
    """Return the schedule for a number of samples.

    Args:
        samples: Timed calls of each contestant.
        slowest_s: Time of the slowest contestant's call.
        limit_s: See `Schedule`.
        alone: There is one contestant: nothing stands between its blocks.
    """
    block = 1 if slowest_s >= LONG_CALL_S else LARGEST_BLOCK
    settling = 0 if alone or slowest_s >= LONG_CALL_S else 1
    return Schedule(max(LEAST_ROUNDS, math.ceil(samples / block)), block, settling, limit_s)


def measure_interleaved(
    calls: Mapping[str, Call],
    schedule: Schedule,
    *,
    generator: np.random.Generator,
    clock: Clock = time.perf_counter,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Rounds]:
    """Return the times of every contestant in ms, round by round; the k-th block of each belongs to one round.

    Args:
        calls: Contestants by name; the k-th call of each gets the same number, and so the same frame.
        schedule: How often.
        generator: Draws the order within each round.
        clock: Seconds of a steady clock.
        advance: Told after every round.
    """
    names = list(calls)
    rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    began = clock()
    for index in range(schedule.rounds):
        if index >= LEAST_ROUNDS and clock() - began >= schedule.limit_s:
            break
        for place in generator.permutation(len(names)):
            name = names[int(place)]
            rounds[name].append(_time_block(calls[name], index, schedule, clock))
        advance()
    return {name: tuple(blocks) for name, blocks in rounds.items()}


def _time_block(call: Call, index: int, schedule: Schedule, clock: Clock) -> tuple[float, ...]:
    first = index * schedule.block
    for _ in range(schedule.settling):
        call(first)
    times = []
    for number in range(first, first + schedule.block):
        started = clock()
        call(number)
        times.append((clock() - started) * 1e3)
    return tuple(times)
