"""A contact sheet: pictures in rows, each with a line of text below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.media.images import write_png
from edgekit.media.thumbnails import fit_picture
from edgekit_runtime.optional import import_optional

COLUMNS = 4
TILE_PX = 300
CAPTION_PX = 22
GAP_PX = 8
MARGIN_PX = 2
PAPER = (250, 250, 250)
INK = (30, 30, 30)


def write_sheet(path: Path, tiles: Sequence[tuple[npt.NDArray[np.uint8], str]]) -> None:
    """Write pictures, each uint8 (H, W, 3) with its caption, as one PNG; each keeps its aspect.

    Raises:
        IoFault: If it cannot be written.
    """
    images = import_optional("PIL.Image", extra="cpu")
    drawing = import_optional("PIL.ImageDraw", extra="cpu")
    rows = -(-len(tiles) // COLUMNS)
    step_x, step_y = TILE_PX + GAP_PX, TILE_PX + CAPTION_PX + GAP_PX
    sheet = images.new("RGB", (COLUMNS * step_x + GAP_PX, rows * step_y + GAP_PX), PAPER)
    pen = drawing.Draw(sheet)
    for index, (picture, caption) in enumerate(tiles):
        x = GAP_PX + index % COLUMNS * step_x
        y = GAP_PX + index // COLUMNS * step_y
        fitted = fit_picture(picture, TILE_PX)
        height, width = fitted.shape[:2]
        sheet.paste(images.fromarray(fitted), (x + (TILE_PX - width) // 2, y + (TILE_PX - height) // 2))
        pen.text((x + MARGIN_PX, y + TILE_PX + 2 * MARGIN_PX), _shorten(pen, caption), fill=INK)
    write_png(path, np.asarray(sheet))


def _shorten(pen: Any, caption: str) -> str:
    """Return the caption, cut where it would run into the next one; what no font knows is spelled out."""
    # Pillow's own font has no sign for ×, and draws a box.
    text = caption.replace("×", "x").encode("utf-8", "backslashreplace").decode()
    if _measure(pen, text) <= TILE_PX - 2 * MARGIN_PX:
        return text
    while text and _measure(pen, f"{text}...") > TILE_PX - 2 * MARGIN_PX:
        text = text[:-1]
    return f"{text}..."


def _measure(pen: Any, text: str) -> float:
    length: float = pen.textlength(text)
    return length
