"""Which thresholds of an exit are worth a look, and where between two images a threshold is put.

A threshold is known here by its *bound*: the exit answers what is surer than that. Lowering a bound past an image that
this exit answers rightly, or that every later exit answers wrongly as well, makes a frame cheaper and no error more.
The best bound therefore lies on an image that this exit answers wrongly and a later one rightly, or below them all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

Bound = np.float32

NOTHING = np.float32(-np.inf)
"""The bound below every image: the exit answers all whose probabilities are finite."""

SURE = np.float32(1.0)
"""Largest threshold that a bundle may have: what is as sure as that is answered by any."""

MOST_DIGITS = 9
"""Decimal digits that tell any two float32 numbers below 1 apart."""


def list_bounds(confidences: Floats, harmful: npt.NDArray[np.bool_]) -> Floats:
    """Return the bounds that can be best for an exit, float32 (bounds,), falling, NOTHING the last.

    Args:
        confidences: Of the images that reach the exit, float32 (images,).
        harmful: Which of them it answers wrongly and a later exit rightly, bool (images,).
    """
    values = np.unique(confidences[harmful])[::-1]
    return np.append(values[(values < SURE) & (values > NOTHING)], NOTHING)


def thin_bounds(bounds: Floats, most: int, near: Bound | None = None) -> Floats:
    """Return at most so many of falling bounds, 2 at least: evenly with both ends, or those around `near`."""
    if len(bounds) <= most:
        return bounds
    if near is not None:
        first = min(max(int((bounds > near).sum()) - most // 2, 0), len(bounds) - most)
        return bounds[first : first + most]
    return bounds[np.linspace(0, len(bounds) - 1, most).round().astype(np.intp)]


def find_places(confidences: Floats, bounds: Floats) -> npt.NDArray[np.intp]:
    """Return the first of falling bounds that each image is surer than; their number where it is surer than none."""
    return np.searchsorted(-bounds, -confidences, side="right")


def bound_of(threshold: float) -> Bound:
    """Return the bound of a threshold: c ≥ threshold in float32 is c > bound."""
    return np.float32(np.nextafter(np.float32(threshold), NOTHING))


def place_threshold(reaching: Floats, bound: Bound, *, classes: int, own: float) -> float:
    """Return a threshold that parts images as a bound does, with equal room on both sides.

    Args:
        reaching: Confidences of the images that reach the exit.
        bound: What it answers is surer than this.
        classes: No confidence is below 1 / classes.
        own: The bundle's own threshold, which stays where no image reaches the exit.

    Returns:
        A number from 0 to 1 with as few digits as the gap allows. An exit that answers none of the images is shut as
        far as it can be: nothing is known of what it would answer.
    """
    finite = reaching[reaching > NOTHING]
    answered, left = finite[finite > bound], finite[finite <= bound]
    if not len(finite):
        return own
    if not len(answered):
        return float(SURE)
    high = min(answered.min(), SURE)
    low = left.max() if len(left) else min(np.float32(1 / classes), np.nextafter(high, NOTHING))
    return _round_between(low, high)


def _round_between(low: Bound, high: Bound) -> float:
    """Return the shortest number near the middle with low < number ≤ high in float32; low < high."""
    middle, quarter = (float(low) + float(high)) / 2, (float(high) - float(low)) / 4
    for digits in range(2, MOST_DIGITS):
        number = round(middle, digits)
        if low < np.float32(number) <= high and abs(number - middle) <= quarter:
            return number
    return float(high)
