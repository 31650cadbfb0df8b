"""Percentile bootstrap over groups: how far a figure would move with other parts of the same production.

Images of one group show one physical thing (exposures of one tile, cuts of one board) and are not independent, so that
groups are drawn, each with all its images, as many as there are, with replacement (Efron, 1979; clusters as units).
A figure that no draw can change, such as an escape rate of 0, has an interval of no width: read Wilson's beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
LEVEL = 0.95

Sums = npt.NDArray[np.float64]
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of some figures.

    Attributes:
        bounds: Figure → (low, high); None where the set has fewer than two groups, or the figure has no value in any
            draw. Draws in which it has none are left out.
        groups: How many groups were drawn from.
        resamples: How often.
        seed: Of the draws.
    """

    bounds: Mapping[str, tuple[float, float] | None]
    groups: int
    resamples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return figure → [low, high] or None, and "groups", "resamples", "seed" and "level"."""
        bounds = {name: None if pair is None else list(pair) for name, pair in self.bounds.items()}
        return {
            **bounds,
            "groups": self.groups,
            "resamples": self.resamples,
            "seed": self.seed,
            "level": LEVEL,
        }


def bootstrap_intervals(
    groups: Sequence[str],
    sums: Sequence[npt.ArrayLike],
    figures_of: Callable[[Sums], Figures],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Return the 2.5 and 97.5 percentiles of figures over draws of groups.

    Args:
        groups: The group of each image.
        sums: What each image adds to the pooled sums, one vector of the same length per image.
        figures_of: From the pooled sums, float64 (length,), to the figures by name.
        resamples: Number of draws.
        seed: Of the draws.
    """
    names, place = np.unique(np.array(groups, dtype=str), return_inverse=True)
    if len(names) < 2:
        whole = np.sum(np.asarray(sums, np.float64), axis=0) if len(sums) else None
        figures = figures_of(whole) if whole is not None else {}
        return Intervals(dict.fromkeys(figures), len(names), resamples, seed)
    values = np.asarray(sums, np.float64)
    pooled = np.zeros((len(names), values.shape[1]))
    np.add.at(pooled, place.reshape(-1), values)
    # How often each group is drawn: the same as drawing indices, in one call.
    weights = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    draws = [figures_of(row) for row in weights @ pooled]
    bounds = {name: _percentiles([draw[name] for draw in draws]) for name in draws[0]}
    return Intervals(bounds, len(names), resamples, seed)


def _percentiles(values: Sequence[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None and not np.isnan(value)]
    if not known:
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
