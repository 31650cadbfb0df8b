"""Finding the settings with which a peer is fastest here: its users would, and a slow rival proves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgekit_benchmarks.sampling import Call, Clock

T = TypeVar("T")

MOST_CALLS = 20
Settings = dict[str, str]


@dataclass(frozen=True, eq=False)
class Tuned(Generic[T]):
    """The fastest variant that was found.

    Attributes:
        made: What was built with the settings.
        settings: Setting → its best value.
        tried: Number of variants that were timed.
    """

    made: T
    settings: Settings
    tried: int


def tune(
    build: Callable[[Settings], T],
    bind: Callable[[T], Call],
    axes: Mapping[str, Sequence[str]],
    *,
    limit_s: float,
    clock: Clock = time.perf_counter,
) -> Tuned[T]:
    """Try one setting after the other and keep each value that is faster than the best so far.

    The shortest of up to 20 calls judges: what else happens on the machine only ever adds time.

    Args:
        build: Makes a variant.
        bind: From a variant to the call that is timed.
        axes: Setting → its values, the usual one first.
        limit_s: Time for all variants together; each one gets an equal share, and two calls at least.
        clock: Seconds of a steady clock.
    """
    settings = {name: values[0] for name, values in axes.items()}
    share_s = limit_s / (1 + sum(len(values) - 1 for values in axes.values()))
    best = build(settings)
    least = _time_least(bind(best), share_s, clock)
    tried = 1
    for name, values in axes.items():
        for value in values[1:]:
            candidate = {**settings, name: value}
            made = build(candidate)
            taken = _time_least(bind(made), share_s, clock)
            tried += 1
            if taken < least:
                best, least, settings = made, taken, candidate
    return Tuned(best, settings, tried)


def _time_least(call: Call, limit_s: float, clock: Clock) -> float:
    call(0)
    least = float("inf")
    began = clock()
    for number in range(MOST_CALLS):
        if number and clock() - began >= limit_s:
            break
        started = clock()
        call(number)
        least = min(least, clock() - started)
    return least
