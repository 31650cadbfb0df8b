"""A histogram of magnitudes that grows with what it sees and does not depend on the order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINS = 4096
"""The largest magnitude lies in the upper half: at least 2048 bins below it, 16 for each step of int8."""

_CHUNK = 1 << 20
"""Values at a time: what is derived from them stays in the cache."""


class MagnitudeHistogram:
    """Counts of |x| in equal bins from 0 to the power of two above the largest.

    Bins of one width lie within bins of twice the width, so that widening them only adds counts up: the same values in
    another order, or in other portions, give the same counts.

    Attributes:
        counts: int64 (BINS,).
        largest: Largest magnitude seen.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BINS, np.int64)
        self.largest = 0.0
        self._exponent: int | None = None

    @property
    def width(self) -> float:
        """Width of a bin; 0 while only zeros were seen."""
        return 0.0 if self._exponent is None else math.ldexp(1.0, self._exponent) / BINS

    def add(self, values: Array) -> None:
        """Count values.

        Args:
            values: float32, any shape, all finite.
        """
        flat = values.ravel()
        for start in range(0, flat.size, _CHUNK):
            magnitudes = np.abs(flat[start : start + _CHUNK])
            self._widen(float(magnitudes.max()))
            if self._exponent is None:
                self.counts[0] += magnitudes.size
                continue
            # Exact: a change of the exponent alone.
            positions = np.ldexp(magnitudes, BINS.bit_length() - 1 - self._exponent).astype(np.intp)
            self.counts += np.bincount(positions, minlength=BINS)

    def _widen(self, largest: float) -> None:
        self.largest = max(self.largest, largest)
        if largest == 0:
            return
        exponent = math.frexp(largest)[1]
        if self._exponent is not None and exponent > self._exponent:
            merged = min(1 << (exponent - self._exponent), BINS)
            sums = self.counts.reshape(-1, merged).sum(axis=1)
            self.counts[:] = 0
            self.counts[: len(sums)] = sums
        self._exponent = exponent if self._exponent is None else max(self._exponent, exponent)
