"""Shares of counted cases, with what their number allows to say: Wilson's interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Z_95 = 1.959963984540054
"""Standard normal quantile at 0.975."""


@dataclass(frozen=True)
class Rate:
    """`count` of `total` cases.

    The interval takes cases to be independent. Several exposures of one part are not: then read the interval over
    groups beside it (`edgekit.evaluation.bootstrap`).
    """

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, count / total; None where there is no case."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of Wilson (1927); None where there is no case.

        (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± z·√(p(1 − p)/n) it says something where no
        case of few failed.
        """
        if not self.total:
            return None
        n, p, square = self.total, self.count / self.total, Z_95**2
        centre = p + square / (2 * n)
        reach = Z_95 * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        # Without cases of a kind its end is exact; rounding would put it beside 0 or 1.
        low = 0.0 if self.count == 0 else (centre - reach) / (1 + square / n)
        high = 1.0 if self.count == self.total else (centre + reach) / (1 + square / n)
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """Return "rate", "count", "of" and "interval" ([low, high], or None)."""
        interval = self.interval
        return {
            "rate": self.value,
            "count": self.count,
            "of": self.total,
            "interval": None if interval is None else list(interval),
        }
