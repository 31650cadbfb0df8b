"""Folders of images for tests, and image files that Pillow itself would not write."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def draw_plate(index: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a noisy grey plate with one bright rectangular defect, and its 0/255 mask."""
    generator = np.random.default_rng([7, index])
    height, width = size
    image = generator.integers(60, 120, size).astype(np.uint8)
    mask = np.zeros(size, np.uint8)
    top, left = (int(generator.integers(side // 2)) for side in size)
    window = (slice(top, top + height // 3), slice(left, left + width // 3))
    mask[window] = 255
    image[window] += 100
    return image, mask


def write_image_folder(root: Path, *, count: int, size: tuple[int, int]) -> Path:
    """Write images/ and masks/ with `count` pairs of PNGs and return the root."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(count):
        image, mask = draw_plate(index, size)
        save(root / "images" / f"plate-{index:02}.png", image)
        save(root / "masks" / f"plate-{index:02}.png", mask)
    return root


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Write an array as an image in the format of the suffix."""
    Image.fromarray(pixels).save(path, **options)
    return path


def load(path: Path) -> np.ndarray:
    """Return what Pillow reads from a file."""
    with Image.open(path) as image:
        return np.asarray(image)


def mode_of(path: Path) -> str:
    """Return what Pillow says that a file is."""
    with Image.open(path) as image:
        return image.mode


def write_png_header(path: Path, width: int, height: int) -> Path:
    """Write a PNG of some bytes whose header claims any size."""
    return _write_png(path, width, height, bits=8, colour=0, rows=b"\0" * 16)


def write_deep_png(path: Path, width: int, height: int, *, channels: int) -> Path:
    """Write a PNG of 16 bits per channel: grey (1) or RGB (3)."""
    row = b"\0" + bytes(range(2 * width * channels))
    return _write_png(path, width, height, bits=16, colour={1: 0, 3: 2}[channels], rows=row * height)


def write_big_endian_tiff(path: Path, pixels: np.ndarray) -> Path:
    """Write an array as a TIFF of 16-bit grey values whose first byte is the high one."""
    height, width = pixels.shape
    content = pixels.astype(">u2").tobytes()
    fields = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (278, height)]
    start = 8 + 2 + 12 * (len(fields) + 2) + 4
    entries = [struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in fields]
    entries += [struct.pack(">HHII", tag, 4, 1, value) for tag, value in ((273, start), (279, len(content)))]
    head = b"MM\0*" + struct.pack(">IH", 8, len(entries))
    path.write_bytes(head + b"".join(sorted(entries)) + struct.pack(">I", 0) + content)
    return path


def _write_png(path: Path, width: int, height: int, *, bits: int, colour: int, rows: bytes) -> Path:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path
