"""Strips of a stored or made web, given as a camera would give them: when the web has moved on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from edgekit_runtime.line.strips import Pixels, Strip, UnusableStrip


class PacedStrips:
    """Gives each strip when its last row would have been exposed.

    The times are those of the web, not of whoever asks: a strip that is asked for late, because there was no room for
    it, was captured when it would have been, and is late. Only where a strip takes longer to read or to make than to
    pass does the web stand still for the rest: that is the source's doing, and says nothing of the line.

    Args:
        arrays: (h, W) or (h, W, 3), of any height. An error in the place of one takes the time of the strip before it.
        seconds_per_row: Time in which the web moves on by one row.
        clock: Seconds; the line's.
        sleep: Waits for so many seconds.

    Attributes:
        stood_still_s: How long the web has stood still for its source.
    """

    def __init__(
        self,
        arrays: Iterable[Pixels | Exception],
        seconds_per_row: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._arrays, self._seconds_per_row = arrays, seconds_per_row
        self._clock, self._sleep = clock, sleep
        self.stood_still_s = 0.0

    def __iter__(self) -> Iterator[Strip]:
        """Yield the strips, numbered from 0."""
        asked_s = captured_s = self._clock()
        height = 0
        for number, array in enumerate(self._arrays):
            height = count_rows(array) or height
            passing_s = height * self._seconds_per_row
            still_s = max(0.0, self._clock() - asked_s - passing_s)
            self.stood_still_s += still_s
            captured_s += passing_s + still_s
            while (remaining_s := captured_s - self._clock()) > 0:
                self._sleep(remaining_s)
            yield Strip(array, number, captured_s)
            asked_s = self._clock()


def count_rows(strip: Pixels | Exception) -> int:
    """Return how many rows of web a strip is about; 0 for an error that does not say it."""
    if isinstance(strip, Exception):
        return strip.rows if isinstance(strip, UnusableStrip) else 0
    return len(strip)
