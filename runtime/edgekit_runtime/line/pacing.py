"""Strips of a stored or made web, given as a camera would give them: when the web has moved on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from edgekit_runtime.line.strips import Pixels, Strip


def pace_strips(
    arrays: Iterable[Pixels | Exception],
    seconds_per_row: float,
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Strip]:
    """Yield each strip when its last row would have been exposed.

    The times are those of the web, not of whoever asks: if a strip is asked for late, because there was no room or
    because it took long to read, it was captured when it would have been, and is late.

    Args:
        arrays: (h, W) or (h, W, 3), of any height. An error in the place of one takes the time of the strip before it.
        seconds_per_row: Time in which the web moves on by one row.
        clock: Seconds; the line's.
        sleep: Waits for so many seconds.
    """
    began_s = clock()
    rows = height = 0
    for number, array in enumerate(arrays):
        height = height if isinstance(array, Exception) else len(array)
        rows += height
        captured_s = began_s + rows * seconds_per_row
        while (remaining_s := captured_s - clock()) > 0:
            sleep(remaining_s)
        yield Strip(array, number, captured_s)
