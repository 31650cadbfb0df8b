"""COCO's run lengths: a mask as the lengths of its runs of 0 and 1, as a list of numbers or as a short string.

Pixels are taken column by column, and the first run is one of zeros, which may be empty. The string form is that of
the COCO API (Lin et al. 2014, maskApi): each number, from the fourth on the difference to the number two before it,
is cut into groups of five bits, the lowest first; a sixth bit says that more groups follow, and 48 is added so that
each group is one of the characters `0` to `o`. The highest bit of the last group is the sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import DatasetError

BoolMask = npt.NDArray[np.bool_]

_FIRST, _LAST = 48, 111
_BITS, _MORE, _SIGN = 5, 0x20, 0x10
_MOST_GROUPS = 12
"""Sixty bits are more pixels than any image has; a longer number would only serve an attacker."""

REMEDY = "Export the annotations again: run lengths are easily damaged and cannot be mended."


def encode_mask(mask: BoolMask) -> list[int]:
    """Return the run lengths of a bool (H, W) mask."""
    pixels = mask.ravel(order="F")
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts = np.diff(np.concatenate(([0], edges, [pixels.size]))).tolist()
    return [0, *counts] if pixels.size and pixels[0] else counts


def decode_counts(counts: Sequence[int], height: int, width: int) -> BoolMask:
    """Return the bool (H, W) mask of run lengths.

    Raises:
        DatasetError: If a length is negative, or they do not add up to height × width.
    """
    if any(count < 0 for count in counts):
        raise DatasetError("run lengths hold a negative number", remedy=REMEDY)
    if sum(counts) != height * width:
        raise DatasetError(
            f"run lengths add up to {sum(counts)} pixels, expected {height} × {width} = {height * width}",
            remedy=REMEDY,
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, np.asarray(counts, np.int64)).reshape((height, width), order="F")


def compress_counts(counts: Sequence[int]) -> str:
    """Return run lengths in the string form."""
    characters: list[str] = []
    for index, count in enumerate(counts):
        rest = count - counts[index - 2] if index > 2 else count
        while True:
            group = rest & (_MORE - 1)
            rest >>= _BITS
            is_last = rest == (-1 if group & _SIGN else 0)
            characters.append(chr(_FIRST + (group if is_last else group | _MORE)))
            if is_last:
                break
    return "".join(characters)


def decompress_counts(text: str) -> list[int]:
    """Return the run lengths that a string holds.

    Raises:
        DatasetError: If a character is none of `0` to `o`, a number has no end or is too long.
    """
    counts: list[int] = []
    value = groups = 0
    for character in text:
        code = ord(character)
        if not _FIRST <= code <= _LAST:
            raise DatasetError(f"run lengths hold the character {character!r}", remedy=REMEDY)
        group = code - _FIRST
        value |= (group & (_MORE - 1)) << (_BITS * groups)
        groups += 1
        if groups > _MOST_GROUPS:
            raise DatasetError("run lengths hold a number of more than 60 bits", remedy=REMEDY)
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << (_BITS * groups)
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = groups = 0
    if groups:
        raise DatasetError("run lengths end in the middle of a number", remedy=REMEDY)
    return counts
