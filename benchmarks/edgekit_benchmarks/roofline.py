"""What the machine can do at most: bytes copied and multiply-adds per second, as measured here and now.

A time that is close to either bound cannot be made much shorter by a better program (Williams, Waterman, Patterson:
"Roofline", 2009).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edgekit_benchmarks.sampling import Clock
from edgekit_runtime.errors import MissingDependency

COPY_BYTES = 64 << 20
"""Per thread, for reading and for writing: beyond the last cache, and small enough for a controller."""

TRIES = 5


@dataclass(frozen=True)
class Roofline:
    """Measured bounds of the machine.

    Attributes:
        threads: Threads that worked at once.
        copy_gb_s: Bytes read plus bytes written per second by copies from memory to memory, in 10⁹ (NumPy).
        fma_gflop_s: float32 operations per second, a multiply-add counting as two, in 10⁹ (Numba); None without
            Numba.
    """

    threads: int
    copy_gb_s: float
    fma_gflop_s: float | None


def measure_roofline(
    threads: int, *, copy_bytes: int = COPY_BYTES, clock: Clock = time.perf_counter
) -> Roofline:
    """Measure both bounds with so many threads at once; takes about a second, and a few to compile the first time.

    Args:
        threads: How many.
        copy_bytes: Bytes that each thread copies at a time.
        clock: Seconds of a steady clock.
    """
    with ThreadPoolExecutor(threads) as pool:
        copied = _measure_copy(threads, copy_bytes, pool, clock)
        return Roofline(threads, copied, _measure_fma(threads, pool, clock))


def _measure_copy(threads: int, copy_bytes: int, pool: ThreadPoolExecutor, clock: Clock) -> float:
    sources = [np.ones(copy_bytes, np.uint8) for _ in range(threads)]
    targets = [np.empty_like(source) for source in sources]

    def copy(index: int) -> None:
        np.copyto(targets[index], sources[index])

    return 2 * copy_bytes * threads / _time_best(copy, threads, pool, clock) / 1e9


def _measure_fma(threads: int, pool: ThreadPoolExecutor, clock: Clock) -> float | None:
    try:
        from edgekit_benchmarks.fma_kernel import OPERATIONS, prepare_kernel

        run = prepare_kernel()
    except (ImportError, MissingDependency):
        return None
    return OPERATIONS * threads / _time_best(lambda _: run(), threads, pool, clock) / 1e9


def _time_best(work: Callable[[int], object], threads: int, pool: ThreadPoolExecutor, clock: Clock) -> float:
    """Return the shortest time in which all threads did their work: a bound is what is possible."""
    times = []
    for _ in range(TRIES + 1):
        started = clock()
        list(pool.map(work, range(threads)))
        times.append(clock() - started)
    return min(times[1:])  # the first touches the pages
