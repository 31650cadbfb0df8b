"""How many times faster, with an interval: the median ratio of paired rounds, and a bootstrap over them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem

LEVEL = 0.95
RESAMPLES = 2000
_DRAWS_AT_ONCE = 1 << 22

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A peer's time over the subject's: above 1 the subject is the faster one.

    Attributes:
        median: Of the ratios of all rounds.
        low: Lower end of the 95 % interval.
        high: Upper end.
        rounds: Number of paired rounds.
    """

    median: float
    low: float
    high: float
    rounds: int


def measure_ratio(
    peer: Sequence[Sequence[float]], subject: Sequence[Sequence[float]], generator: np.random.Generator
) -> Ratio:
    """Return the ratio of paired rounds: median of the peer's block over median of the subject's.

    Rounds, not calls, are drawn: calls of one round share the machine's mood and are not independent.

    Args:
        peer: Blocks of times.
        subject: Blocks of times of the same rounds.
        generator: Of the bootstrap.

    Raises:
        UsageProblem: If the rounds are not paired.
    """
    if not peer or len(peer) != len(subject):
        raise UsageProblem(f"Rounds come in pairs; got {len(peer)} of the peer and {len(subject)}.")
    pairs = zip(peer, subject, strict=True)
    ratios = np.array([statistics.median(one) / statistics.median(other) for one, other in pairs])
    low, high = bound_statistic(draw_medians(ratios, generator))
    return Ratio(float(np.median(ratios)), low, high, len(ratios))


def compare_medians(
    one: Sequence[Sequence[float]], other: Sequence[Sequence[float]], generator: np.random.Generator
) -> Ratio:
    """Return the median of one measurement over that of another, which share no rounds.

    Args:
        one: Blocks of times.
        other: Blocks of times, taken at another moment.
        generator: Of the bootstrap, which draws the rounds of each on its own.

    Raises:
        UsageProblem: If either is empty.
    """
    if not one or not other:
        raise UsageProblem("A measurement without rounds cannot be compared.")
    first, second = (np.array([statistics.median(block) for block in blocks]) for blocks in (one, other))
    low, high = bound_statistic(draw_medians(first, generator) / draw_medians(second, generator))
    return Ratio(float(np.median(first) / np.median(second)), low, high, min(len(first), len(second)))


def draw_medians(values: Floats, generator: np.random.Generator) -> Floats:
    """Return the medians of 2,000 draws with replacement, float64 (2000,)."""
    medians = np.empty(RESAMPLES)
    step = max(1, _DRAWS_AT_ONCE // len(values))
    for start in range(0, RESAMPLES, step):
        stop = min(start + step, RESAMPLES)
        drawn = values[generator.integers(0, len(values), (stop - start, len(values)))]
        medians[start:stop] = np.median(drawn, axis=1)
    return medians


def bound_statistic(draws: Floats) -> tuple[float, float]:
    """Return the percentile interval of a statistic's draws."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
