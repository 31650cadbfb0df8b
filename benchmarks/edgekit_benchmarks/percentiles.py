"""Percentiles, and how many samples one needs before it may be claimed."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit_runtime.errors import UsageProblem

CONFIDENCE = 0.99

Rounds = tuple[tuple[float, ...], ...]
"""Times in ms, those of one block of calls together, in the order in which they were taken."""


@dataclass(frozen=True)
class Latency:
    """Wall times of one call, in ms; nothing is left out and nothing is clipped.

    Attributes:
        p50: Median.
        p90: 90th percentile; None where the samples cannot carry it, as for the others.
        p99: 99th percentile.
        p99_9: 99.9th percentile.
        at_most: Percentile → what it does not exceed, at 99 % confidence; None as above.
        mean: Of all samples.
        least: The shortest.
        largest: The longest.
        samples: Number of timed calls.
        rounds_ms: Every sample.
    """

    p50: float
    p90: float | None
    p99: float | None
    p99_9: float | None
    at_most: dict[str, float | None]
    mean: float
    least: float
    largest: float
    samples: int
    rounds_ms: Rounds


SHARES = {"p90": 0.9, "p99": 0.99, "p99_9": 0.999}


def summarise_latency(rounds_ms: Sequence[Sequence[float]]) -> Latency:
    """Return the percentiles of all samples.

    Args:
        rounds_ms: Blocks of times in ms; at least one time.

    Raises:
        UsageProblem: If there is no sample.
    """
    ordered = sorted(time for block in rounds_ms for time in block)
    bounds = {name: bound_percentile(ordered, share) for name, share in SHARES.items()}
    figures = {
        name: None if bounds[name] is None else percentile(ordered, share) for name, share in SHARES.items()
    }
    return Latency(
        p50=percentile(ordered, 0.5),
        **figures,
        at_most=bounds,
        mean=math.fsum(ordered) / len(ordered),
        least=ordered[0],
        largest=ordered[-1],
        samples=len(ordered),
        rounds_ms=tuple(tuple(block) for block in rounds_ms),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least `share` of the values do not exceed.

    Args:
        ordered: Increasing.
        share: Above 0, up to 1.

    Raises:
        UsageProblem: If there is no value, or no such share.
    """
    if not ordered or not 0 < share <= 1:
        raise UsageProblem(f"There is no percentile {share} of {len(ordered)} values.")
    return ordered[math.ceil(share * len(ordered)) - 1]


def bound_percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return a value that the percentile does not exceed, at 99 % confidence; None with too few samples.

    It is the sample that MLPerf's early stopping reports: the largest samples are dropped, as many as may lie beyond
    the percentile, and the next one stands.

    Args:
        ordered: Increasing.
        share: Of the percentile, between 0 and 1.
    """
    allowed = count_allowed(len(ordered), share)
    return None if allowed < 1 else ordered[len(ordered) - 1 - allowed]


@functools.cache
def count_needed(share: float, confidence: float = CONFIDENCE) -> int:
    """Return the samples that a percentile needs before it is claimed: 64 for p90, 662 for p99, 6,636 for p99.9.

    MLPerf's rule (LoadGen, early stopping): each of n independent samples lies beyond the percentile with the
    probability 1 − share, so that the number of those that do is binomial. The percentile may be claimed once "at
    most one of n lies beyond" would happen with a probability of at most 1 − confidence; the second largest sample
    then bounds the percentile. With q = 1 − share: (1 − q)ⁿ + n·q·(1 − q)ⁿ⁻¹ ≤ 1 − confidence.

    Args:
        share: Of the percentile, between 0 and 1.
        confidence: Between 0 and 1.
    """
    if not 0 < share < 1 or not 0 < confidence < 1:
        raise UsageProblem(f"There are no samples for the percentile {share} at the confidence {confidence}.")
    upper = 2
    while count_allowed(upper, share, confidence) < 1:
        upper *= 2
    lower = upper // 2
    while upper - lower > 1:  # what n samples allow never falls as n grows
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if count_allowed(middle, share, confidence) >= 1 else (middle, upper)
    return upper


def count_allowed(samples: int, share: float, confidence: float = CONFIDENCE) -> int:
    """Return the largest t for which P(at most t of n lie beyond the percentile) ≤ 1 − confidence; −1 for none."""
    if samples < 1:
        return -1
    beyond = 1.0 - share
    total, allowed = 0.0, -1
    while allowed < samples:
        count = allowed + 1
        # Powers of numbers below 1 vanish for thousands of samples; their logarithms do not.
        logarithm = (
            math.lgamma(samples + 1)
            - math.lgamma(count + 1)
            - math.lgamma(samples - count + 1)
            + count * math.log(beyond)
            + (samples - count) * math.log(share)
        )
        total += math.exp(logarithm)
        if total > 1.0 - confidence:
            break
        allowed = count
    return allowed
