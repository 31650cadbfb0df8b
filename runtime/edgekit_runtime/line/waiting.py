"""The strips that were captured and not inspected yet: few of them, for memory and answers are both bounded."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from typing import Literal

from edgekit_runtime.line.strips import Arrival

Policy = Literal["queue-all", "newest-wins"]


class WaitingStrips:
    """Hands strips from the thread that takes them in to the one that inspects them.

    With "queue-all" a strip that finds no room waits for it, and the source with it: that is an overrun. With
    "newest-wins" the strip that has waited longest gives way, and its rows become lost rows of the one behind it.

    Args:
        room: Strips that may wait.
        policy: What happens to a strip that finds no room.

    Attributes:
        overruns: Strips that had to wait for room.
        dropped: Strips that gave way.
        error: Why the source ended, where that was no good end.
    """

    def __init__(self, room: int, policy: Policy) -> None:
        self._room, self._policy = room, policy
        self._waiting: deque[Arrival] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False
        self.overruns = 0
        self.dropped = 0
        self.error: BaseException | None = None

    def put(self, arrival: Arrival) -> bool:
        """Add a strip behind the others; False where no more are taken, so that the source may stop.

        What waits for room when the line is stopped is still taken: it was captured.
        """
        with self._changed:
            if self._closed:
                return False
            self._waiting.append(arrival)
            self._changed.notify_all()
            if len(self._waiting) > self._room:
                self._make_room()
            return not self._closed

    def end(self, error: BaseException | None = None) -> None:
        """Say that no further strip will come, and why if that is a fault; what is said first holds."""
        with self._changed:
            if not self._ended:
                self._ended, self.error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Take no further strips; those that wait can still be taken. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Arrival | None:
        """Return the strip that has waited longest; None where none came in time, or none will."""
        with self._changed:
            if not self._waiting and not self._over:
                self._changed.wait(timeout_s)
            if not self._waiting:
                return None
            arrival = self._waiting.popleft()
            self._changed.notify_all()
            return arrival

    @property
    def exhausted(self) -> bool:
        """Whether nothing waits, and nothing will come."""
        with self._changed:
            return self._over and not self._waiting

    @property
    def _over(self) -> bool:
        return self._ended or self._closed

    def _make_room(self) -> None:
        if self._policy == "newest-wins":
            oldest = self._waiting.popleft()
            self.dropped += oldest.rows is not None
            next_one = self._waiting[0]
            self._waiting[0] = replace(
                next_one,
                lost_rows=next_one.lost_rows + oldest.height,
                lost_since_s=oldest.captured_s if oldest.lost_since_s is None else oldest.lost_since_s,
            )
            return
        # It stands in the queue already, where a line that stops meanwhile finds it; its source waits.
        self.overruns += 1
        while len(self._waiting) > self._room and not self._closed:
            self._changed.wait()
