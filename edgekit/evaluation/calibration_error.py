"""Whether confidence means what it says: of answers at 0.8, are eight of ten right?

Guo, Pleiss, Sun, Weinberger: "On calibration of modern neural networks", ICML 2017, section 2. Answers are sorted by
their confidence, the largest probability, into 15 bins of equal width, (0, 1/15], …, (14/15, 1]:

    ECE = Σ |B|/n · |accuracy(B) − mean confidence(B)|        equation 3
    MCE = max |accuracy(B) − mean confidence(B)|              equation 5, over the bins that hold an answer

The gate of an exit compares this very number with its threshold. Where it promises too much, an exit answers images
that it should have sent on. ECE is never below what chance makes of few answers: for confidences that are exactly right
and spread evenly from 0 to 1 we simulated a median of 0.075 with 250 answers and of 0.038 with 1000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence lies in (low, high].

    Attributes:
        low: Lower end.
        high: Upper end.
        count: How many there are.
        confidence: Their mean confidence; None where there is none.
        accuracy: Share of them whose class was right; None where there is none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """|accuracy − mean confidence|; 0 where there is no answer."""
        if self.confidence is None or self.accuracy is None:
            return 0.0
        return abs(self.accuracy - self.confidence)

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data."""
        return {
            "low": self.low,
            "high": self.high,
            "count": self.count,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
        }


@dataclass(frozen=True)
class CalibrationError:
    """How far confidence is from accuracy. Figures are from 0 to 1, and None where there is no answer.

    Attributes:
        bins: Of equal width, from 0 to 1.
        unusable: Answers that were no numbers: they have no confidence, and are left out.
    """

    bins: tuple[ReliabilityBin, ...]
    unusable: int

    @property
    def answers(self) -> int:
        """How many answers were compared."""
        return sum(one.count for one in self.bins)

    @property
    def expected(self) -> float | None:
        """ECE: the gap of a bin, weighted by its share of the answers."""
        return self._mean([one.gap for one in self.bins])

    @property
    def largest(self) -> float | None:
        """MCE: the largest gap of a bin that holds an answer."""
        return max(one.gap for one in self.bins) if self.answers else None

    @property
    def confidence(self) -> float | None:
        """Mean confidence of the answers."""
        return self._mean([one.confidence or 0.0 for one in self.bins])

    @property
    def accuracy(self) -> float | None:
        """Share of the answers whose class was right."""
        return self._mean([one.accuracy or 0.0 for one in self.bins])

    def to_dict(self) -> dict[str, Any]:
        """Return "ece", "mce", "confidence", "accuracy", "answers", "unusable" and "bins" as JSON-ready data."""
        return {
            "ece": self.expected,
            "mce": self.largest,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
            "answers": self.answers,
            "unusable": self.unusable,
            "bins": [one.to_dict() for one in self.bins],
        }

    def _mean(self, values: Sequence[float]) -> float | None:
        """Return the mean over the answers of a value per bin."""
        total = self.answers
        if not total:
            return None
        return sum(value * one.count for value, one in zip(values, self.bins, strict=True)) / total


def measure_calibration(
    confidences: Sequence[float | None], correct: Sequence[bool], *, bins: int = BINS
) -> CalibrationError:
    """Return the calibration of answers.

    Args:
        confidences: Largest probability of each answer, 0 to 1; None where its probabilities were no numbers.
        correct: Whether its class was right.
        bins: How many there are.
    """
    usable = np.array([value is not None for value in confidences], bool)
    values = np.array([value for value in confidences if value is not None], np.float64)
    right = np.asarray(correct, np.float64)[usable]
    edges = np.linspace(0.0, 1.0, bins + 1)
    # Rounding may carry a probability a little beyond 1.
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    confidence, accuracy = (
        _divide(np.bincount(place, weights=numbers, minlength=bins), counts) for numbers in (values, right)
    )
    return CalibrationError(
        tuple(
            ReliabilityBin(float(edges[index]), float(edges[index + 1]), int(count), mean, share)
            for index, (count, mean, share) in enumerate(zip(counts, confidence, accuracy, strict=True))
        ),
        unusable=int((~usable).sum()),
    )


def _divide(sums: npt.NDArray[Any], counts: npt.NDArray[Any]) -> list[float | None]:
    return [float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]
