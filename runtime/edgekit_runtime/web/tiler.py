"""The tiles of a web: strips of any height go in, rows of tiles come out as soon as they are settled.

The tiles are those that `tiling.plan_tiles` would cut from the whole web. That is possible without knowing its end
because a tile begins at a multiple of the step unless it is the last. A row of tiles comes out with its last row, and
answers for its rows down to the seam, because nobody knows yet whether the web goes on; where it ends just there, the
same tiles come once more and answer for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.tiling import Size, TileAxis, check_overlap, find_seam, plan_axis, repeat_border

Pixels = npt.NDArray[Any]
"""(H, W) or (H, W, C)."""


@dataclass(frozen=True, eq=False)
class Band:
    """One row of tiles, and the rows of the web that they answer for.

    Attributes:
        tiles: (T, h, w) or (T, h, w, C), contiguous: the tile columns that are used, from left to right.
        first_row: Of the web, that this band answers for.
        rows: How many it answers for.
        top: Which row of the tiles is `first_row`.
        columns: All columns of tiles across the web.
        used: Numbers of those that are used.
    """

    tiles: Pixels
    first_row: int
    rows: int
    top: int
    columns: TileAxis
    used: tuple[int, ...]

    def join(self, masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the mask of the band, uint8 (rows, W), from those of its tiles; 0 where no tile is used.

        Args:
            masks: uint8 (T, h, w), in the order of `tiles`.

        Raises:
            ValueError: If these are not as many masks, of the tiles' size.
        """
        if masks.shape != self.tiles.shape[:3]:
            raise ValueError(f"The masks of this band are {self.tiles.shape[:3]}, got {masks.shape}.")
        joined = np.zeros((self.rows, self.columns.length), np.uint8)
        for mask, column in zip(masks, self.used, strict=True):
            inside = mask[self.top : self.top + self.rows, self.columns.owned_inside(column)]
            joined[:, self.columns.owned(column)] = inside
        return joined


class WebTiler:
    """Cuts a web into rows of tiles; holds as many rows as a tile is high, however long the web is.

    Type and channels of the pixels are those of the first strip.

    Args:
        width: Of the web in pixels.
        tile: (height, width) of a tile: what the graph takes.
        overlap: Pixels that neighbouring tiles share at least.
        multiple: What the network's sides must be multiples of.
        columns: Numbers of the columns of tiles that are used, from 0 at the left; all by default. The others are not
            cut, and their part of the mask is 0: what lies there is not inspected.
        first_row: Number of the first row that will come, where the web was begun by another tiler.

    Raises:
        UsageProblem: If the overlap does not fit, there is no width, or no such column.
    """

    def __init__(
        self,
        width: int,
        tile: Size,
        overlap: int,
        multiple: int,
        *,
        columns: Sequence[int] | None = None,
        first_row: int = 0,
    ) -> None:
        check_overlap(overlap, tile, multiple)
        if width < 1:
            raise UsageProblem(f"A web is at least one pixel wide, got {width}.")
        self.width = width
        self.columns = plan_axis(width, tile[1], overlap, multiple)
        self.used = _check_columns(columns, len(self.columns))
        self._height, self._overlap, self._multiple = tile[0], overlap, multiple
        self._begin = first_row
        self._received = 0  # rows, as all numbers below: from the first that came
        self._next_offset = 0
        self._next_seam = 0
        # Row r stands at r % height: the last rows that came, and nothing else.
        self._kept: Pixels | None = None
        self._finished = False

    def add(self, strip: Pixels) -> list[Band]:
        """Take the next rows, and return the bands that they settle.

        Args:
            strip: (h, W) or (h, W, C), h at least 1; it may be overwritten afterwards.

        Raises:
            FrameError: If the strip does not continue the web.
            UsageProblem: If the web is finished.
        """
        if self._finished:
            raise UsageProblem(
                "The web is finished; it takes no further strip.", remedy="Make a new WebTiler."
            )
        kept = self._check_strip(strip)
        bands = []
        start = 0
        while start < len(strip):
            slot = self._received % self._height
            settled_in = self._next_offset + self._height - self._received
            count = min(len(strip) - start, settled_in, self._height - slot)
            kept[slot : slot + count] = strip[start : start + count]
            self._received += count
            start += count
            if self._received == self._next_offset + self._height:
                bands.append(
                    self._cut(self._next_offset, find_seam(self._next_offset, self._height, self._overlap))
                )
                self._next_offset += self._height - self._overlap
        return bands

    def finish(self) -> list[Band]:
        """End the web, and return the band of the rows that are left; none where all are answered for already."""
        if self._finished or self._received == self._next_seam:
            self._finished = True
            return []
        self._finished = True
        padded = max(self._height, -(-self._received // self._multiple) * self._multiple)
        last = self._cut(padded - self._height, self._received)
        self._kept = None
        return [last]

    def _cut(self, offset: int, seam: int) -> Band:
        """Return the tiles that begin at `offset`, answering for the rows from the last seam to this one."""
        assert self._kept is not None
        shape = (len(self.used), self._height, self.columns.tile, *self._kept.shape[2:])
        tiles = np.empty(shape, self._kept.dtype)
        rows = min(self._height, self._received - offset)
        slot = offset % self._height
        before_wrap = min(rows, self._height - slot)
        for tile, column in zip(tiles, self.used, strict=True):
            covered = self.columns.covered(column)
            columns = covered.stop - covered.start
            tile[:before_wrap, :columns] = self._kept[slot : slot + before_wrap, covered]
            tile[before_wrap:rows, :columns] = self._kept[: rows - before_wrap, covered]
            repeat_border(tile, rows, columns)
        first, self._next_seam = self._next_seam, seam
        return Band(tiles, self._begin + first, seam - first, first - offset, self.columns, self.used)

    def _check_strip(self, strip: Pixels) -> Pixels:
        """Return where rows are kept, made for the first strip."""
        if strip.ndim not in (2, 3) or not len(strip) or strip.shape[1] != self.width:
            raise FrameError(
                f"A strip of this web must be (rows, {self.width}) or (rows, {self.width}, channels) with a row at "
                f"least; got {strip.shape}.",
                remedy="Look at the camera's settings, or begin a new web for another width.",
            )
        if self._kept is None:
            self._kept = np.empty((self._height, *strip.shape[1:]), strip.dtype)
        if (strip.dtype, strip.shape[1:]) != (self._kept.dtype, self._kept.shape[1:]):
            raise FrameError(
                f"The web began with rows of {self._kept.dtype} {self._kept.shape[1:]}; "
                f"now came {strip.dtype} {strip.shape[1:]}.",
                remedy="Let all strips of a web have one type and the same channels.",
            )
        return self._kept


def _check_columns(columns: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Return the numbers in ascending order."""
    if columns is None:
        return tuple(range(count))
    used = tuple(sorted(set(columns)))
    if not used or used[0] < 0 or used[-1] >= count:
        raise UsageProblem(
            f"The web has the tile columns 0 to {count - 1}, of which one at least is used; got {list(columns)}.",
            remedy="Drop no more tiles at the sides than there are.",
        )
    return used
