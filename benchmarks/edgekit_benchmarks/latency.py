"""Timing one call, again and again: warm-up, then samples, then percentiles that the samples can carry."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit_runtime.errors import UsageProblem

Clock = Callable[[], float]


@dataclass(frozen=True)
class LatencyReport:
    """Percentiles of the wall time of one call.

    Attributes:
        p50: Median, ms.
        p90: 90th percentile, ms.
        p99: 99th percentile, ms; None where the samples cannot carry it.
        samples: Number of timed calls; none is left out.
        warmup: Number of calls before these.
    """

    p50: float
    p90: float
    p99: float | None
    samples: int
    warmup: int

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return {
            "p50": self.p50,
            "p90": self.p90,
            "p99": self.p99,
            "samples": self.samples,
            "warmup": self.warmup,
        }


def measure_latency(
    call: Callable[[], object],
    *,
    warmup: int = 20,
    samples: int = 200,
    limit_s: float = 30.0,
    clock: Clock = time.perf_counter,
) -> LatencyReport:
    """Time a call.

    Args:
        call: What is timed, from frame in to answer out.
        warmup: Untimed calls first; caches, allocators and clocks settle.
        samples: Timed calls.
        limit_s: Warm-up and sampling each stop after this many seconds, with at least ten timed calls.
        clock: Seconds of a steady clock.

    Raises:
        UsageProblem: If fewer than ten samples are asked for.
    """
    if samples < MINIMUM_SAMPLES or warmup < 1:
        raise UsageProblem(
            f"A p90 needs at least {MINIMUM_SAMPLES} samples and 1 warm-up call, got {samples}, {warmup}."
        )
    warmed = 0
    began = clock()
    while warmed < warmup and (warmed == 0 or clock() - began < limit_s):
        call()
        warmed += 1
    times: list[float] = []
    began = clock()
    while len(times) < samples and (len(times) < MINIMUM_SAMPLES or clock() - began < limit_s):
        start = clock()
        call()
        times.append((clock() - start) * 1e3)
    p99 = percentile(times, 0.99) if len(times) >= SAMPLES_FOR_P99 else None
    return LatencyReport(percentile(times, 0.5), percentile(times, 0.9), p99, len(times), warmed)


MINIMUM_SAMPLES = 10
"""Below that the 90th percentile is the maximum."""

SAMPLES_FOR_P99 = 662
"""MLPerf's number of samples for a 99th percentile at 99 % confidence."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least `share` of the values do not exceed."""
    if not values or not 0 < share <= 1:
        raise UsageProblem(f"No percentile {share} of {len(values)} values.")
    return sorted(values)[math.ceil(share * len(values)) - 1]
