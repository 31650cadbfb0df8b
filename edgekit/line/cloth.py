"""The generated cloth as a web without end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.data.fabric import FabricWeb
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.line.strips import Pixels

_DRAWN_LEVELS = 256


def weave_strips(web: FabricWeb, strip_rows: int, pixels: PixelFormat) -> Iterator[Pixels]:
    """Yield strips of cloth without end, as a bundle takes them.

    Args:
        web: The cloth.
        strip_rows: Rows of a strip.
        pixels: Depth and channels: black stays black and white white, and colours are equal.
    """
    levels = np.arange(_DRAWN_LEVELS) * (pixels.levels - 1) / (_DRAWN_LEVELS - 1)
    table = np.rint(levels).astype(pixels.frame_type)
    row = 0
    while True:
        grey, _ = web.rows(row, row + strip_rows)
        drawn = grey if pixels.bits == 8 else table[grey]
        yield drawn if pixels.channels == "grey" else np.repeat(drawn[:, :, None], 3, axis=2)
        row += strip_rows
