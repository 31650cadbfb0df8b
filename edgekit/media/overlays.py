"""Drawing results into images, in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edgekit_runtime.results import Region

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

DEFECT: Colour = (230, 60, 40)
TRUTH: Colour = (60, 190, 90)
OPACITY = 0.45


def draw_result(frame: Pixels, mask: Pixels | None, regions: Iterable[Region]) -> Pixels:
    """Return an RGB copy of the frame with the mask tinted and each region boxed.

    Args:
        frame: uint8 (H, W) or (H, W, 3) RGB.
        mask: uint8 (H, W), 0 is background; None draws boxes only.
        regions: Boxes in pixels of the frame.
    """
    picture = to_rgb(frame)
    if mask is not None:
        tint_mask(picture, mask)
    for region in regions:
        draw_box(picture, region.x1, region.y1, region.x2, region.y2)
    return picture


def to_rgb(frame: Pixels) -> Pixels:
    """Return a new RGB image."""
    return np.repeat(frame[:, :, None], 3, axis=2) if frame.ndim == 2 else frame.copy()


def tint_mask(picture: Pixels, mask: Pixels, colour: Colour = DEFECT) -> None:
    """Tint the pixels of a mask in place."""
    found = mask > 0
    blended = picture[found] * (1 - OPACITY) + np.array(colour) * OPACITY
    picture[found] = blended.astype(np.uint8)


def draw_outline(picture: Pixels, mask: Pixels, colour: Colour = TRUTH) -> None:
    """Draw the border of a mask in place, two pixels wide."""
    inside = np.pad(mask > 0, 2)
    eroded = inside.copy()
    for shift in (-2, -1, 1, 2):
        for axis in (0, 1):
            eroded &= np.roll(inside, shift, axis)
    picture[(inside & ~eroded)[2:-2, 2:-2]] = colour


def draw_box(picture: Pixels, x1: int, y1: int, x2: int, y2: int, colour: Colour = DEFECT) -> None:
    """Draw a half-open box in place, two pixels wide, around its content."""
    top, left = max(y1 - 2, 0), max(x1 - 2, 0)
    picture[top : max(y1, 1), left : x2 + 2] = colour
    picture[y2 : y2 + 2, left : x2 + 2] = colour
    picture[top : y2 + 2, left : max(x1, 1)] = colour
    picture[top : y2 + 2, x2 : x2 + 2] = colour
