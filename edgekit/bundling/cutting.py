"""One tile of an image that is larger than the tiles of a bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.tiling import Size, plan_tiles


def choose_part(
    shape: tuple[int, ...], size: Size, mask: npt.NDArray[Any] | None = None
) -> tuple[slice, slice]:
    """Return which rows and columns of an image to take: no more than `size`, with as much defect as possible.

    Args:
        shape: Of the image.
        size: (height, width) of a tile; an axis that is no longer is taken whole.
        mask: Of the image. Without one, or without a defect, the part is that in the middle of the tiles.
    """
    within = min(shape[0], size[0]), min(shape[1], size[1])
    grid = plan_tiles((shape[0], shape[1]), within, 0, 1)
    parts = [
        (grid.rows.covered(row), grid.columns.covered(column))
        for row in range(len(grid.rows))
        for column in range(len(grid.columns))
    ]
    if mask is None or not mask.any():
        return parts[len(parts) // 2]
    return max(parts, key=lambda part: int(np.count_nonzero(mask[part])))
