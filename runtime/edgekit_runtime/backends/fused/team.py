"""A team of threads that helps one caller, frame after frame.

Python's threads, woken by locks: no threading layer of Numba's, whose threads all detectors of a process would share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Team:
    """Helpers that sleep until they are woken.

    Args:
        helpers: Threads besides the caller's own.
        work: Called by each helper whenever it was woken, with its number from 1; it returns when it has found
            nothing to do for a while.
    """

    def __init__(self, helpers: int, work: Callable[[int], object]) -> None:
        self._work = work
        self._closed = False
        self._locks = [threading.Lock() for _ in range(helpers)]
        for lock in self._locks:
            lock.acquire()
        self._threads = [
            threading.Thread(target=self._help, args=(number + 1, lock), name="edgekit-fused", daemon=True)
            for number, lock in enumerate(self._locks)
        ]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Wake every helper that sleeps, and let one that is awake look again before it does; return at once."""
        for lock in self._locks:
            # Unlocked: it was woken before and has not come to take the lock yet. One caller alone releases it.
            if lock.locked():
                lock.release()

    def close(self) -> None:
        """End the helpers; may be called again."""
        self._closed = True
        self.wake()
        for thread in self._threads:
            # A process that was forked has a team without threads.
            if thread.is_alive():
                thread.join()

    def _help(self, number: int, lock: threading.Lock) -> None:
        while True:
            lock.acquire()
            if self._closed:
                return
            self._work(number)
