"""What a number of images can show: is a limit on a rate supported, and how many images would do?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from edgekit.choosing.goal import format_share

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Support:
    """Whether counted cases support a limit, by the exact binomial test at 95 % confidence.

    Attributes:
        what: "escape" or "overkill".
        limit: Largest share that was asked for.
        count: Independent cases that failed.
        total: Independent cases.
        shown: Whether so few failures would be seen with a chance of at most 5 % if the true share were the limit.
        needed: Independent cases without a single failure that would show it; None where no number does.
    """

    what: str
    limit: Fraction
    count: int
    total: int
    shown: bool
    needed: int | None

    def describe(self) -> str:
        """Return the statement that is printed and recorded."""
        cases = f"{self.count} of {self.total} independent cases"
        if self.shown:
            return f"{self.what} at most {format_share(self.limit)}: supported at 95 % confidence ({cases})"
        need = (
            "no number of images shows it"
            if self.needed is None
            else f"{self.needed} without any would be needed at least"
        )
        return f"{self.what} at most {format_share(self.limit)}: not supported at 95 % confidence ({cases}; {need})"

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {
            "what": self.what,
            "limit": float(self.limit),
            "count": self.count,
            "of": self.total,
            "confidence": CONFIDENCE,
            "shown": self.shown,
            "needed": self.needed,
        }


def judge_support(what: str, limit: Fraction, count: int, total: int) -> Support:
    """Return whether `count` failures of `total` independent cases support a limit on their rate."""
    shown = limit > 0 and sum_binomial(count, total, float(limit)) <= 1 - CONFIDENCE
    return Support(what, limit, count, total, shown, count_needed(limit))


def count_needed(limit: Fraction) -> int | None:
    """Return how many independent cases without a failure show a rate of at most `limit`: (1 − limit)^n ≤ 5 %."""
    if limit == 0:
        return None
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-float(limit)))


def sum_binomial(count: int, total: int, rate: float) -> float:
    """Return the chance of at most `count` failures in `total` cases that each fail with `rate`, 0 < rate < 1."""
    logs = (
        math.lgamma(total + 1)
        - math.lgamma(failed + 1)
        - math.lgamma(total - failed + 1)
        + failed * math.log(rate)
        + (total - failed) * math.log1p(-rate)
        for failed in range(min(count, total) + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))
