"""Images of rejected parts as PNG: the runtime has no image library, and zlib is in the standard one."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import FrameError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2
_UP = 2
"""The filter that stores each row as its difference from the one above: cloth is alike along the web."""


def encode_png(pixels: npt.NDArray[Any], *, level: int = 1) -> bytes:
    """Return an image as a PNG file.

    Args:
        pixels: uint8 or uint16 (H, W) grey or (H, W, 3) RGB, not empty. Grey levels are written as they stand: those of
            a camera of 12 bits fill 12 of the 16.
        level: Of zlib, 0 to 9: 1 is fast enough for a line.

    Raises:
        FrameError: If the array is no such image.
    """
    if pixels.dtype not in (np.uint8, np.uint16) or not pixels.size or not _is_image(pixels.shape):
        raise FrameError(
            f"A PNG holds uint8 or uint16 (H, W) or (H, W, 3), got {pixels.dtype} {pixels.shape}."
        )
    height, width = pixels.shape[:2]
    depth = 8 * pixels.dtype.itemsize
    colour = _COLOUR if pixels.ndim == 3 else _GREY
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    big_endian = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    lines = big_endian.reshape(height, -1).view(np.uint8)
    filtered = np.empty((height, 1 + lines.shape[1]), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.data, level)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
