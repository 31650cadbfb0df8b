"""Regions of an endless web, found band by band: each is one region, however many bands it crosses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import MaskError, UsageProblem
from edgekit_runtime.labelling.seams import make_empty_seam
from edgekit_runtime.regions import Rows, check_region_options, continue_regions

_NO_ROWS: Rows = np.empty((0, 6), np.int64)


class WebRegions:
    """Finds the regions of a web as `find_regions` would on the whole of it, from bands of its mask as they come.

    A region is given when it is complete: it does not touch the last row that has come. Boxes are in the web's
    coordinates, in which y counts from the first row ever. What is kept between bands is their last row: never more
    than the web is wide, however long it is and however long a region stays open.

    Args:
        width: Pixels across the web.
        connectivity: 8 (diagonal neighbours touch) or 4.

    Raises:
        UsageProblem: If the width or the connectivity is none.
    """

    def __init__(self, width: int, *, connectivity: int = 8) -> None:
        check_region_options(connectivity, 0)
        if width < 1:
            raise UsageProblem(
                f"A web must be at least 1 px wide, got {width}.", remedy="Give the width of its strips."
            )
        self._width = width
        self._connectivity = connectivity
        self._seam = make_empty_seam()
        self._seen = 0

    @property
    def seen(self) -> int:
        """Rows that have come, skipped ones among them."""
        return self._seen

    @property
    def open(self) -> Rows:
        """Regions that touch the last row, as far as they have been seen: int64 (R, 6) from left to right.

        They may grow, and several of them may become one.
        """
        return np.array(self._seam.rows)

    def add(self, band: npt.NDArray[np.uint8]) -> Rows:
        """Return the regions that are complete now, x1, y1, x2, y2, area, class each.

        Args:
            band: uint8 (H, W) of any height: the next rows of the mask, 0 background, k the k-th class.

        Returns:
            int64 (R, 6), ordered by (y1, x1, y2, x2, area, class).

        Raises:
            MaskError: If the band is no mask of the web's width.
        """
        self._check_band(band)
        if not len(band):
            return np.array(_NO_ROWS)
        rows, self._seam = continue_regions(band, self._seam, top=self._seen, connectivity=self._connectivity)
        self._seen += len(band)
        return rows

    def skip(self, rows: int) -> Rows:
        """Return the regions that were open: nobody has looked at the next rows, and nothing is counted across them.

        Raises:
            UsageProblem: If the number of rows is negative.
        """
        if rows < 0:
            raise UsageProblem(f"A web cannot skip {rows} rows.", remedy="Give 0 or more.")
        if not rows:
            return np.array(_NO_ROWS)
        closed = self.finish()
        self._seen += rows
        return closed

    def finish(self) -> Rows:
        """Return the regions that were open: the web ends here, or its last row does not touch what may follow."""
        rows, self._seam = self._seam.rows, make_empty_seam()
        return rows[np.lexsort(rows.T[[5, 4, 2, 3, 0, 1]])]

    def _check_band(self, band: npt.NDArray[np.uint8]) -> None:
        if band.ndim != 2 or band.shape[1] != self._width or band.dtype != np.uint8:
            raise MaskError(
                f"A band of this web must be uint8 (rows, {self._width}), got {band.dtype} {band.shape}.",
                remedy="Give the masks of strips of one width; a web of another width needs its own WebRegions.",
            )
