"""The area under the receiver operating characteristic, exact with ties."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def area_under_roc(scores: npt.ArrayLike, positive: npt.ArrayLike) -> float | None:
    """Return the chance that a positive case has the higher score than a negative one, ties counting half.

    This is the Mann-Whitney statistic divided by the number of pairs: (R − P(P + 1)/2) / (P·N), with R the sum of
    the ranks of the P positive among all P + N cases, tied cases sharing their mean rank.

    Args:
        scores: Numbers (cases,), higher where a defect is more likely; infinite ones are numbers too.
        positive: bool (cases,).

    Returns:
        From 0 to 1; None where there is no positive or no negative case.

    Raises:
        ValueError: If a score is NaN, or the lengths differ.
    """
    values = np.asarray(scores, np.float64).reshape(-1)
    truth = np.asarray(positive, bool).reshape(-1)
    if values.shape != truth.shape or np.isnan(values).any():
        raise ValueError("Scores must be numbers, one per case.")
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    _, place, size = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    mean_rank = last - (size - 1) / 2
    ranks = float(mean_rank[place.reshape(-1)][truth].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)
