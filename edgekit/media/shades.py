"""Grey values as people see them: pictures have 8 bits, whatever the camera has."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.pixels import Frame

WHITE = 255


def shade_frame(frame: Frame, pixels: PixelFormat) -> npt.NDArray[np.uint8]:
    """Return a frame as uint8 for pictures: white is the grey value that the network sees as 1.0.

    By the stated scale and never by the image's own maximum, so that two images compare. What is so already is not
    copied.

    Args:
        frame: (H, W) or (H, W, 3) of the stated depth.
        pixels: Its depth and scale.
    """
    if frame.dtype == np.uint8 and pixels.scale == WHITE:
        return frame.astype(np.uint8, copy=False)
    levels = np.arange(pixels.levels) * (WHITE / pixels.scale)
    shades: npt.NDArray[np.uint8] = np.minimum(np.rint(levels), WHITE).astype(np.uint8)[frame]
    return shades
