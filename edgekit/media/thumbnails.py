"""Small pictures of large images, with what is marked still visible."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.media.overlays import draw_outline, to_rgb
from edgekit_runtime.optional import import_optional

Pixels = npt.NDArray[np.uint8]

QUALITY = 88
OUTLINE_GAP_PX = 3
"""Outlines are drawn this far outside a mask, or they would cover what is thin."""


def fit_picture(picture: Pixels, side: int) -> Pixels:
    """Return an image scaled to fit a square, its aspect kept.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        side: Length of the longer side afterwards, in pixels.
    """
    fitted: Pixels = _fit(picture, side)
    return fitted


def draw_thumbnail(image: Pixels, mask: Pixels | None, side: int) -> Pixels:
    """Return a small RGB picture of an image with an outline around what its mask marks.

    Args:
        image: uint8 (H, W) or (H, W, 3) RGB.
        mask: uint8 (H, W), 0 is background; None draws no outline.
        side: Length of the longer side, in pixels.
    """
    picture = to_rgb(fit_picture(image, side))
    if mask is not None and mask.any():
        # Averaged in floats and compared with 0: a marked pixel stays marked however small the picture is.
        marked = _fit((mask > 0).astype(np.float32), side) > 0
        draw_outline(picture, _grow(marked, OUTLINE_GAP_PX))
    return picture


def encode_data_uri(picture: Pixels) -> str:
    """Return a picture as a JPEG inside a `data:` address, for pages that stand alone."""
    buffer = io.BytesIO()
    import_optional("PIL.Image", extra="cpu").fromarray(picture).save(buffer, format="JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _fit(picture: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    images = import_optional("PIL.Image", extra="cpu")
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(images.fromarray(picture).resize(size, images.Resampling.BOX))


def _grow(mask: npt.NDArray[np.bool_], pixels: int) -> Pixels:
    grown = np.pad(mask, pixels)
    for axis in (0, 1):
        grown = np.logical_or.reduce([np.roll(grown, shift, axis) for shift in range(-pixels, pixels + 1)])
    return grown[pixels:-pixels, pixels:-pixels].astype(np.uint8)
