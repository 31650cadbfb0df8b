"""A perceptual hash: 63 bits that stay when a picture is re-encoded, and that tell how it was turned.

After the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), 3.2.1:
downscale to 32×32, two-dimensional DCT-II, keep low frequencies, compare each with their median. What is chosen here:

* Downscaling takes the mean of each cell's area. It works for any size and shape, and a turned image has exactly the
  turned cells.
* The 8×8 lowest frequencies are taken without the constant term: brightness does not count, and a horizontal or
  vertical pattern does (pHash leaves the first row and column out).
* Everything is computed in integers, so that a hash is the same on every machine, and the hashes of the eight
  orientations of an image are, as a set, exactly those of the turned image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Image

Cells = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

ORIENTATIONS = (
    "upright",
    "rotated by 90°",
    "rotated by 180°",
    "rotated by 270°",
    "mirrored",
    "mirrored and rotated by 90°",
    "mirrored and rotated by 180°",
    "mirrored and rotated by 270°",
)
"""What the number of an orientation means: mirrored left to right first, then rotated counter-clockwise."""

CELL_SCALE = 256
"""Cells hold grey levels in 256ths: finer than what re-encoding leaves alone. Levels are those of 8 bits: deeper ones
count as fractions, so that one picture has one hash at any depth."""

_SIDE, _FREQUENCIES, _COSINE_SCALE = 32, 8, 4096
_ROWS_AT_A_TIME = 256
_LUMA = (299, 587, 114)
"""ITU-R BT.601, in thousandths, as Pillow turns RGB into grey."""


def shrink_image(image: Image, side: int, *, bits: int = 8) -> Cells:
    """Return the mean grey level of each of side × side cells that cover the image, in 256ths.

    Running sums of integers, cut at the cells' borders: exact, and without matrix products, whose threads wait for
    one another on a machine that trains beside: looking at an image of 200×200 took 13 ms there, and takes 2.

    Args:
        image: uint8 or uint16 (H, W) grey or (H, W, 3) RGB, of any size.
        side: Cells per row and column; more than there are pixels is possible.
        bits: Depth of the image.

    Returns:
        int64 (side, side).
    """
    height, width = image.shape[:2]
    blocks = (image[top : top + _ROWS_AT_A_TIME] for top in range(0, height, _ROWS_AT_A_TIME))
    strips = np.concatenate([_sum_cells(_weigh_channels(block), side) for block in blocks])
    sums = _sum_cells(strips.T, side).T
    scale = height * width * (sum(_LUMA) if image.ndim == 3 else 1) * 2 ** max(0, bits - 8)
    # Quotients of numbers below 2^53 (up to 8 bits), so that they are rounded once, as IEEE 754 defines.
    cells: Cells = np.rint((sums * CELL_SCALE).astype(np.float64) / scale).astype(np.int64)
    return cells


def orient(cells: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return (…, N, N) arrays in one of the eight orientations."""
    mirrored = cells[..., ::-1] if orientation >= 4 else cells
    return np.rot90(mirrored, orientation % 4, axes=(-2, -1))


def hash_orientations(image: Image, *, bits: int = 8) -> Hashes:
    """Return the hashes of an image in its eight orientations, in the order of `ORIENTATIONS`.

    Args:
        image: uint8 or uint16 (H, W) grey or (H, W, 3) RGB, of any size.
        bits: Depth of the image.

    Returns:
        uint64 (8,); the highest bit is always 0.
    """
    cells = shrink_image(image, _SIDE, bits=bits)
    return np.array([_hash_cells(orient(cells, number)) for number in range(len(ORIENTATIONS))], np.uint64)


def hash_image(image: Image) -> int:
    """Return the hash of an image as it is."""
    return _hash_cells(shrink_image(image, _SIDE))


def count_differing_bits(first: Hashes, second: Hashes) -> npt.NDArray[np.uint8]:
    """Return the Hamming distances of hashes, which broadcast as NumPy does."""
    bits = np.bitwise_xor(first, second)
    if hasattr(np, "bitwise_count"):
        counted: npt.NDArray[np.uint8] = np.bitwise_count(bits)
        return counted
    return count_bits(bits)


def count_bits(words: Hashes) -> npt.NDArray[np.uint8]:
    """Return how many bits of each word are set, by shifts and masks: NumPy 1 has no bitwise_count."""
    threes, ones = np.uint64(0x3333333333333333), np.uint64(0x5555555555555555)
    bits = words - ((words >> np.uint64(1)) & ones)
    bits = (bits & threes) + ((bits >> np.uint64(2)) & threes)
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    summed: npt.NDArray[np.uint8] = ((bits * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)
    return summed


def _weigh_channels(block: Image) -> Cells:
    """Return the grey level of each pixel, in thousandths where the image has colours."""
    if block.ndim == 2:
        return block.astype(np.int64)
    grey = np.zeros(block.shape[:2], np.int64)
    for channel, weight in enumerate(_LUMA):
        grey += block[:, :, channel] * np.int64(weight)
    return grey


def _sum_cells(values: Cells, side: int) -> Cells:
    """Return the sums of `side` cells along each row, (N, W) → (N, side).

    The unit is a pixel's part of 1 / side, which makes each pixel's share of a cell a whole number.
    """
    rows, width = values.shape
    running = np.zeros((rows, width + 1), np.int64)
    np.cumsum(values, axis=1, out=running[:, 1:])
    whole, part = np.divmod(np.arange(side + 1) * width, side)
    upto = running[:, whole] * side + values[:, np.minimum(whole, width - 1)] * part
    sums: Cells = np.diff(upto, axis=1)
    return sums


def _hash_cells(cells: Cells) -> int:
    # The rounded cosines do not add up to exactly 0, so the mean is taken out before.
    centred = cells - int(np.rint(cells.sum() / cells.size))
    spectrum = _COSINES @ centred @ _COSINES.T
    terms = spectrum.reshape(-1)[1:]
    bits = terms > np.median(terms)
    return int.from_bytes(np.packbits(np.concatenate([[False], bits])).tobytes(), "big")


def _make_cosines() -> Cells:
    frequency = np.arange(_FREQUENCIES)[:, None]
    place = 2 * np.arange(_SIDE)[None, :] + 1
    cosines: Cells = np.rint(_COSINE_SCALE * np.cos(np.pi * frequency * place / (2 * _SIDE))).astype(np.int64)
    return cosines


_COSINES = _make_cosines()
"""The rows of the DCT-II matrix for the lowest frequencies, rounded to integers, (8, 32)."""
