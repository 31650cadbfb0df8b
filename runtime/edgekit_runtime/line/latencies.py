"""Percentiles of latencies in bounded memory, however long a line runs."""

from __future__ import annotations

import math

_LEAST_MS = 1e-3
_GROWTH = 1.01
_BINS = 2800  # up to 1.3e9 ms, a fortnight


class LatencyCounts:
    """Counts latencies in bins of 1 %; percentiles are given as the upper edge of their bin, so never too small.

    Attributes:
        count: How many were counted.
        max_ms: The largest, exactly; 0 before the first.
    """

    def __init__(self) -> None:
        self._bins = [0] * _BINS
        self.count = 0
        self.max_ms = 0.0

    def add(self, latency_ms: float) -> None:
        """Count one latency; what is no number counts as the largest."""
        place = _BINS - 1
        if latency_ms < math.inf:
            place = min(place, math.ceil(math.log(max(latency_ms, _LEAST_MS) / _LEAST_MS, _GROWTH)))
        self._bins[place] += 1
        self.count += 1
        self.max_ms = max(self.max_ms, latency_ms if latency_ms < math.inf else math.inf)

    def percentile(self, share: float) -> float | None:
        """Return the latency in ms that a share (0 to 1) of all does not exceed; None where there is none."""
        if not self.count:
            return None
        wanted = max(1, math.ceil(share * self.count))
        seen = 0
        for place, count in enumerate(self._bins):
            seen += count
            if seen >= wanted:
                return min(self.max_ms, _LEAST_MS * _GROWTH**place)
        return self.max_ms
