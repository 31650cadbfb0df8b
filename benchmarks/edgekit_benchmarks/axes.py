"""Axes of charts: logarithmic scales, their ticks, and percentiles that give the tail its room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (
    (1.0,),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0),
)
"""Times powers of ten; the first of them that gives an axis enough ticks is taken."""

ENOUGH = 3


@dataclass(frozen=True)
class LogScale:
    """Maps low … high onto first … last, in pixels, by logarithms."""

    low: float
    high: float
    first: float
    last: float

    def place(self, value: float) -> float:
        """Return the pixel of a value above 0."""
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.first + share * (self.last - self.first)


def fit_scale(values: Sequence[float], first: float, last: float) -> LogScale:
    """Return a scale that holds all values, with a little room on both sides.

    Args:
        values: Each above 0.
        first: Pixel of the low end.
        last: Pixel of the high end.
    """
    low, high = min(values), max(values)
    room = max((high / low) ** 0.04, 1.05)
    return LogScale(low / room, high * room, first, last)


def list_ticks(scale: LogScale) -> list[float]:
    """Return the ticks of a scale: round numbers, or its ends and middle where it holds too few of them."""
    powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    for steps in STEPS:
        ticks = [step * 10.0**power for power in powers for step in steps]
        inside = [tick for tick in ticks if scale.low <= tick <= scale.high]
        if len(inside) >= ENOUGH:
            return inside
    return [scale.low, math.sqrt(scale.low * scale.high), scale.high]


def stretch_tail(share: float, largest: int) -> float:
    """Return where a share of the samples stands, 0 to 1: each further nine of a percentile takes an equal width.

    Args:
        share: Of samples that are no larger, 0 to 1.
        largest: Number of samples of the longest series, whose last sample stands at 1.
    """
    end = math.log10(2.0 * largest)
    return min(1.0, -math.log10(max(1.0 - share, 0.5 / largest)) / end)


def format_number(value: float) -> str:
    """Return a number with three significant digits and no exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
