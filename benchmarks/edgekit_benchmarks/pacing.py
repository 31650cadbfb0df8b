"""Paced running: a line delivers a frame every so often, and between frames the processor goes to sleep.

Frame i is due at start + i / rate, whatever became of the frames before it. Latency counts from when a frame was due:
a subject that falls behind is charged for the wait of every later frame, which a tight loop would never notice.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgekit_benchmarks.percentiles import Latency, summarise_latency
from edgekit_benchmarks.sampling import Call, Clock
from edgekit_runtime.errors import UsageProblem

OVERRUN = 2.0
"""A subject that cannot keep up is stopped after this many times the length of the schedule."""


@dataclass(frozen=True)
class Paced:
    """What a paced run showed.

    Attributes:
        rate_hz: Calls that were due per second.
        achieved_hz: Calls that were answered per second.
        due: Number of calls on the schedule.
        answered: Those that were made; fewer where the subject could not keep up and was stopped.
        missed: Calls whose answer came after the next one was due, or never.
        from_due_ms: Latency from when the frame was due to its answer.
        from_start_ms: Latency from when the call began, that is without waking up and waiting.
        jitter_ms: Standard deviation of the latency from when the frame was due.
    """

    rate_hz: float
    achieved_hz: float
    due: int
    answered: int
    missed: int
    from_due_ms: Latency
    from_start_ms: Latency
    jitter_ms: float


def check_rate(rate_hz: float) -> None:
    """Raise UsageProblem unless the rate is a positive number of at most 100,000 Hz."""
    if not 0 < rate_hz <= 1e5:
        raise UsageProblem(
            f"A rate must be above 0 and at most 100,000 Hz, got {rate_hz:g}.",
            remedy="Give the frames per second of the line, such as --rate 25.",
        )


def measure_paced(
    call: Call,
    *,
    rate_hz: float,
    seconds: float,
    clock: Clock = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Paced:
    """Run on an absolute schedule.

    Args:
        call: What is run, warmed up.
        rate_hz: Calls per second.
        seconds: Length of the schedule; it holds two calls at least.
        clock: Seconds of a steady clock.
        sleep: Waits for so many seconds.

    Raises:
        UsageProblem: If the rate is none.
    """
    check_rate(rate_hz)
    count = max(2, math.ceil(seconds * rate_hz))
    begin = clock() + 1 / rate_hz
    spans: list[tuple[float, float, float]] = []  # due, started, answered
    for index in range(count):
        due = begin + index / rate_hz
        wait = due - clock()
        if wait > 0:
            sleep(wait)
        started = clock()
        if started - begin > OVERRUN * count / rate_hz and spans:
            break
        call(index)
        spans.append((due, started, clock()))
    return _summarise(spans, rate_hz, count)


def _summarise(spans: list[tuple[float, float, float]], rate_hz: float, count: int) -> Paced:
    from_due = [(answered - due) * 1e3 for due, _, answered in spans]
    late = sum(answered > due + 1 / rate_hz for due, _, answered in spans)
    between = spans[-1][2] - spans[0][2]
    return Paced(
        rate_hz=rate_hz,
        achieved_hz=(len(spans) - 1) / between if between > 0 else 1e3 / from_due[0],
        due=count,
        answered=len(spans),
        missed=late + count - len(spans),
        from_due_ms=summarise_latency([(value,) for value in from_due]),
        from_start_ms=summarise_latency([((answered - started) * 1e3,) for _, started, answered in spans]),
        jitter_ms=statistics.pstdev(from_due),
    )
