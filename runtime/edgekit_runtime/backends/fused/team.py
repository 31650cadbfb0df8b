"""A team of threads that runs one function together, frame after frame.

Python's threads, woken by locks: no threading layer of Numba's, whose threads all detectors of a process would share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Work = Callable[[int], object]
"""Called with the number of the member, from 1; it does nothing when there is nothing left to do."""


class Team:
    """Helpers that wait for work.

    Args:
        helpers: Threads besides the caller's own.
    """

    def __init__(self, helpers: int) -> None:
        self._work: Work | None = None
        self._locks = [threading.Lock() for _ in range(helpers)]
        for lock in self._locks:
            lock.acquire()
        self._threads = [
            threading.Thread(target=self._help, args=(number + 1, lock), name="edgekit-fused", daemon=True)
            for number, lock in enumerate(self._locks)
        ]
        for thread in self._threads:
            thread.start()

    def call(self, work: Work) -> None:
        """Wake every helper that is not awake, each to call `work` once; return at once."""
        self._work = work
        for lock in self._locks:
            if lock.locked():
                # Two callers would release one lock twice; a team has one.
                lock.release()

    def close(self) -> None:
        """End the helpers; may be called again."""
        self._work = None
        for lock, thread in zip(self._locks, self._threads, strict=True):
            if thread.is_alive():
                if lock.locked():
                    lock.release()
                thread.join()

    def _help(self, number: int, lock: threading.Lock) -> None:
        while True:
            lock.acquire()
            work = self._work
            if work is None:
                return
            work(number)
