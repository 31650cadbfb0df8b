"""Every pair of bounds of two exits at once, counted exactly.

An image answers at the first exit from some bound on, and at the second one likewise: it is a point in a plane of
bounds. What all pairs add up to is then a sum over a quarter of that plane, and two cumulative sums give them all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit.choosing.exits.criterion import SUMS, Criterion, Values

Places = npt.NDArray[np.intp]


class Found(NamedTuple):
    """The best pair: its rank (`Criterion.rank`), and the numbers of its bounds."""

    rank: tuple[float, ...]
    first: int
    second: int


def sweep_pair(
    places: tuple[Places, Places],
    sizes: tuple[int, int],
    answers: tuple[Values, Values, Values],
    base: Values,
    criterion: Criterion,
) -> Found:
    """Return the best pair of bounds; of equal ones the first, which answers the fewest.

    Args:
        places: For each exit, the first bound that each image is surer than, int (images,); its size where none.
        sizes: Number of bounds of each exit.
        answers: What an image adds when the first exit answers it, the second one, or none of the two: float64 (SUMS,
            images) each, whole numbers.
        base: What all other images add, float64 (SUMS,).
        criterion: What decides.
    """
    sums = np.empty((SUMS, *sizes))
    for index in range(SUMS):
        # Whole numbers below 2⁵³: the sums are exact in any order.
        first, second, rest = (answer[index] for answer in answers)
        row = np.bincount(places[0], first - rest, sizes[0] + 1)[:-1].cumsum()
        sums[index] = _sum_plane(places, sizes, second - rest)
        sums[index] += row[:, None]
        sums[index] += base[index] + rest.sum()
    ranks = criterion.rank(sums)
    best = _find_least(ranks)
    return Found(tuple(float(rank.flat[best]) for rank in ranks), *divmod(best, sizes[1]))


def _sum_plane(places: tuple[Places, Places], sizes: tuple[int, int], gains: Values) -> Values:
    """Return for every pair what the images gain that the first exit leaves and the second one answers."""
    rows, columns = sizes[0] + 1, sizes[1] + 1
    cells = np.bincount(places[0] * columns + places[1], gains, rows * columns).reshape(rows, columns)
    left = cells[::-1].cumsum(axis=0)[::-1]
    return left[1:, :-1].cumsum(axis=1)


def _find_least(ranks: tuple[Values, ...]) -> int:
    """Return the first place where the ranks, compared one after the other, are least."""
    places = np.flatnonzero(ranks[0].ravel() == ranks[0].min())
    for rank in ranks[1:]:
        values = rank.ravel()[places]
        places = places[values == values.min()]
    return int(places[0])
