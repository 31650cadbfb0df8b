"""The seam between two bands of an endless web: what the regions of the next band can touch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Seam(NamedTuple):
    """The last row of a web so far as runs, and the regions that they are part of, as far as they have been seen.

    That is all a labelling needs to count regions on in the next band, and no more of it than the web is wide.
    """

    runs: npt.NDArray[np.uint32]
    """(K, 4), from left to right: start, stop and class, and which run is the first one of the same region."""

    rows: npt.NDArray[np.int64]
    """(M, 6): x1, y1, x2, y2, area, class of each region, in the order of their first runs."""


def make_empty_seam() -> Seam:
    """Return the seam above the first row, or below a row without a defect."""
    return Seam(np.empty((0, 4), np.uint32), np.empty((0, 6), np.int64))
