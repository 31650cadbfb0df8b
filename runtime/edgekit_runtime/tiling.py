"""Frames of any size for a network of one size: cut into tiles that overlap, and their masks joined again.

Along each axis tiles begin at 0, step, 2·step, … with step = tile − overlap, and the last one ends where the frame ends
once it is padded to what the network admits. All of these are multiples of the network's own, so that a tile and the
whole frame meet the network's grid in the same way. Neighbours share the overlap by halves: where that half is no less
than how far a pixel of the mask looks (`InputContract.reach`), no pixel is answered by a tile that does not show all
that it depends on, and the joined mask is that of the whole frame, but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem

Scalar = TypeVar("Scalar", bound=np.generic)
Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class TileAxis:
    """Tiles along the rows or the columns of a frame, all in pixels.

    Attributes:
        length: Of the frame.
        tile: Length of every tile; the last one may end behind the frame.
        offsets: Where each tile begins, ascending.
        seams: Tile i answers for seams[i] to seams[i + 1], half-open; the first is 0 and the last is `length`.
    """

    length: int
    tile: int
    offsets: tuple[int, ...]
    seams: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.offsets)

    def owned(self, index: int) -> slice:
        """Return what tile `index` answers for, in the frame."""
        return slice(self.seams[index], self.seams[index + 1])

    def owned_inside(self, index: int) -> slice:
        """Return what tile `index` answers for, in the tile."""
        offset = self.offsets[index]
        return slice(self.seams[index] - offset, self.seams[index + 1] - offset)

    def covered(self, index: int) -> slice:
        """Return what tile `index` shows of the frame; shorter than the tile where that ends behind the frame."""
        offset = self.offsets[index]
        return slice(offset, min(offset + self.tile, self.length))


@dataclass(frozen=True)
class TileGrid:
    """Which tiles a frame is cut into; they are numbered row by row."""

    rows: TileAxis
    columns: TileAxis

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.rows) * len(self.columns)

    def cut(self, frame: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return all tiles, (T, h, w[, C]), of a frame (H, W[, C]); a view where the frame is one tile.

        Raises:
            ValueError: If the frame is not of the grid's size.
        """
        if frame.shape[:2] != (self.rows.length, self.columns.length):
            raise ValueError(
                f"The grid is for a frame of {self.rows.length}×{self.columns.length}, got {frame.shape}."
            )
        if frame.shape[:2] == (self.rows.tile, self.columns.tile):
            return frame[np.newaxis]
        tiles = np.empty((len(self), self.rows.tile, self.columns.tile, *frame.shape[2:]), frame.dtype)
        self.cut_into(frame, tiles)
        return tiles

    def cut_into(self, frame: npt.NDArray[Any], tiles: npt.NDArray[Any]) -> None:
        """Write all tiles of a frame of the grid's size into `tiles`, (T, h, w[, C]), perhaps of a wider type."""
        for index, tile in enumerate(tiles):
            row, column = divmod(index, len(self.columns))
            part = frame[self.rows.covered(row), self.columns.covered(column)]
            tile[: part.shape[0], : part.shape[1]] = part
            repeat_border(tile, part.shape[0], part.shape[1])

    def join(self, masks: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the mask (H, W) of the frame from those of all its tiles, (T, h, w); a view of one that is enough.

        Raises:
            ValueError: If these are not as many masks, of the tiles' size.
        """
        expected = (len(self), self.rows.tile, self.columns.tile)
        if masks.shape != expected:
            raise ValueError(f"The masks of these tiles are {expected}, got {masks.shape}.")
        if len(self) == 1:
            return masks[0, : self.rows.length, : self.columns.length]
        joined = np.empty((self.rows.length, self.columns.length), masks.dtype)
        for index, mask in enumerate(masks):
            row, column = divmod(index, len(self.columns))
            inside = mask[self.rows.owned_inside(row), self.columns.owned_inside(column)]
            joined[self.rows.owned(row), self.columns.owned(column)] = inside
        return joined


def plan_tiles(size: Size, tile: Size, overlap: int, multiple: int) -> TileGrid:
    """Return the tiles of a frame.

    Args:
        size: Of the frame, (height, width).
        tile: Of every tile, (height, width): what the graph takes.
        overlap: Pixels that neighbouring tiles share at least.
        multiple: What the network's sides must be multiples of.

    Raises:
        UsageProblem: If the overlap does not fit, see `check_overlap`, or the frame has no pixel.
    """
    check_overlap(overlap, tile, multiple)
    if min(size) < 1:
        raise UsageProblem(
            f"A frame of {size[0]}×{size[1]} has no pixel to cut tiles from.",
            remedy="Look at where the frame was cut out or read.",
        )
    rows, columns = (
        plan_axis(length, side, overlap, multiple) for length, side in zip(size, tile, strict=True)
    )
    return TileGrid(rows, columns)


def plan_axis(length: int, tile: int, overlap: int, multiple: int) -> TileAxis:
    """Return the tiles along one axis; arguments as for `plan_tiles`, checked there."""
    padded = max(tile, -(-length // multiple) * multiple)
    step = tile - overlap
    offsets = (*range(0, padded - tile, step), padded - tile)
    # By the tile before the seam alone: on a web nobody knows yet where the next one will begin if it is the last.
    inner = (find_seam(offset, tile, overlap) for offset in offsets[:-1])
    return TileAxis(length, tile, offsets, (0, *inner, length))


def find_seam(offset: int, tile: int, overlap: int) -> int:
    """Return where the tile that begins at `offset` gives over to the next one."""
    return offset + tile - overlap // 2


def check_overlap(overlap: int, tile: Size, multiple: int) -> None:
    """Refuse an overlap that leaves the network's grid, or is more than half of a tile.

    With more than half a pixel would lie in three tiles of a row, and all pixels be run more than four times.

    Raises:
        UsageProblem: Naming the nearest overlap that would do, or the sides that would.
    """
    if multiple < 1 or any(side < multiple or side % multiple for side in tile):
        raise UsageProblem(
            f"The sides of a tile must be positive multiples of {multiple}, got {tile[0]}x{tile[1]}.",
            remedy="Take the size that the network's graph was exported for.",
        )
    largest = find_largest_overlap(tile, multiple)
    if 0 <= overlap <= largest and overlap % multiple == 0:
        return
    nearest = min(max(0, -(-overlap // multiple) * multiple), largest)
    raise UsageProblem(
        f"Tiles of {tile[0]}x{tile[1]} share 0 to {largest} pixels, in multiples of {multiple}; "
        f"got an overlap of {overlap}.",
        remedy=f"Use an overlap of {nearest}" + (", or larger tiles." if overlap > largest else "."),
    )


def find_largest_overlap(tile: Size, multiple: int) -> int:
    """Return the largest overlap that tiles of this size may have."""
    return min(tile) // 2 // multiple * multiple


def repeat_border(tile: npt.NDArray[Any], rows: int, columns: int) -> None:
    """Fill a tile whose first rows and columns alone are the frame's: black would be an edge to the network."""
    if columns < tile.shape[1]:
        tile[:rows, columns:] = tile[:rows, columns - 1 : columns]
    if rows < tile.shape[0]:
        tile[rows:] = tile[rows - 1 : rows]
