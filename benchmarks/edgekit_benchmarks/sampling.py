"""Warm-up: a call is repeated until its time has settled, and only then measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
Call = Callable[[int], object]
"""Runs once; the argument counts the calls, so that each can take another frame."""

WINDOW = 5
SETTLED = 0.02
"""Two windows whose medians differ by no more than this share: clocks, caches and allocators have settled."""


@dataclass(frozen=True)
class WarmUp:
    """What came before the first sample.

    Attributes:
        calls: Number of calls.
        seconds: How long they took.
        stable: Whether the time had settled when the warm-up ended; otherwise its limit ended it.
        typical_s: Median of the last calls, in seconds.
    """

    calls: int
    seconds: float
    stable: bool
    typical_s: float


def warm_up(call: Call, *, limit_s: float, clock: Clock = time.perf_counter) -> WarmUp:
    """Call until the medians of two windows of five calls agree within 2 %, or the limit has passed.

    Args:
        call: What is warmed up.
        limit_s: No call begins after this many seconds, but for the first one.
        clock: Seconds of a steady clock.
    """
    began = clock()
    times: list[float] = []
    while not times or clock() - began < limit_s:
        started = clock()
        call(len(times))
        times.append(clock() - started)
        if len(times) >= 2 * WINDOW and len(times) % WINDOW == 0 and _is_settled(times):
            return WarmUp(len(times), clock() - began, True, statistics.median(times[-WINDOW:]))
    return WarmUp(len(times), clock() - began, False, statistics.median(times[-WINDOW:]))


def _is_settled(times: list[float]) -> bool:
    before = statistics.median(times[-2 * WINDOW : -WINDOW])
    after = statistics.median(times[-WINDOW:])
    return abs(after - before) <= SETTLED * before
