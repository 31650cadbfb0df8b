"""A team of threads that helps one caller, frame after frame.

Python's threads, woken by locks: no threading layer of Numba's, whose threads all detectors of a process would share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Work = Callable[[int], object]


class Team:
    """Helpers that sleep until they are woken.

    The threads hold `work` and what wakes them, and not the team: one that nobody holds any more can be ended.

    Args:
        helpers: Threads besides the caller's own.
        work: Called by each helper whenever it was woken, with its number from 1; it returns when it has found
            nothing to do for a while.

    Raises:
        RuntimeError: If the system has no more threads; those that were started have ended.
    """

    def __init__(self, helpers: int, work: Work) -> None:
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self._locks = [threading.Lock() for _ in range(helpers)]
        self._threads: list[threading.Thread] = []
        for lock in self._locks:
            lock.acquire()
        try:
            for number, lock in enumerate(self._locks, start=1):
                arguments = (number, lock, self._closed, work)
                thread = threading.Thread(target=_help, args=arguments, name="edgekit-fused", daemon=True)
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self.close()
            raise

    def wake(self) -> None:
        """Wake every helper that sleeps, and let one that is awake look again before it does; return at once."""
        with self._mutex:
            for lock in self._locks:
                # Unlocked: it was woken before and has not come to take the lock yet.
                if lock.locked():
                    lock.release()

    def dismiss(self) -> None:
        """Tell the helpers to end, without waiting for them; may be called again."""
        self._closed.set()
        self.wake()

    def close(self) -> None:
        """End the helpers; may be called again."""
        self.dismiss()
        for thread in self._threads:
            # A process that was forked has a team without threads.
            if thread.is_alive():
                thread.join()


def _help(number: int, lock: threading.Lock, closed: threading.Event, work: Work) -> None:
    while True:
        lock.acquire()
        if closed.is_set():
            return
        work(number)
