"""Randomness that is a function of a place: the same number there, whatever was asked for before."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_MASK = (1 << 64) - 1
#: Constants of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Stream(IntEnum):
    """What a random number decides; numbers of different streams have nothing to do with each other."""

    CLOTH = 0
    ENDS = 1
    PICKS = 2
    PICK_JITTER = 3
    PICK_WINDOWS = 4
    LIGHT = 5
    CLOUDS = 6
    FOCUS = 7
    NOISE = 8
    SLUBS = 9
    DEFECTS = 10
    SHAPES = 11
    TILES = 12


class Positional:
    """Random numbers of one seed and one stream, by index.

    Args:
        seed: Not negative.
        stream: What they decide.
    """

    def __init__(self, seed: int, stream: Stream) -> None:
        self._entropy = (seed, int(stream))
        self._key = int(np.random.SeedSequence(self._entropy).generate_state(1, np.uint64)[0])

    def generator(self, *index: int) -> np.random.Generator:
        """Return a generator of its own for one index, for things that need many numbers."""
        return np.random.default_rng((*self._entropy, *index))

    def hashes(self, index: Whole, *, row: int = 0) -> npt.NDArray[np.uint64]:
        """Return 64 random bits for each index (N,) of one row of a plane."""
        z = index.astype(np.uint64) * np.uint64(_STEP) + np.uint64((self._key + row * _FIRST) & _MASK)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND)
        return z ^ (z >> np.uint64(31))

    def uniforms(self, index: Whole, *, row: int = 0) -> Values:
        """Return a number in -1..1 for each index (N,)."""
        bits = self.hashes(index, row=row) >> np.uint64(11)
        return bits.astype(np.float64) * 2.0**-52 - 1.0

    def wander(self, position: Values, *, row: int = 0) -> Values:
        """Return smooth noise in -1..1 at positions (N,): independent at whole numbers, blended between them."""
        low = np.floor(position).astype(np.int64)
        part = position - low
        weight = part * part * (3.0 - 2.0 * part)
        left, right = self.uniforms(low, row=row), self.uniforms(low + 1, row=row)
        blended: Values = left + weight * (right - left)
        return blended
