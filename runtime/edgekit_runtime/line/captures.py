"""When the rows of the web were captured: what a part's latency is counted from.

A row counts as captured when its strip was, which is when the strip's last row was exposed: nobody has it before.
"""

from __future__ import annotations

import math
from collections import deque


class CaptureTimes:
    """Remembers when the last row of every part was captured, until the part is answered.

    Args:
        part_rows: Rows of a part.
    """

    def __init__(self, part_rows: int) -> None:
        self._part_rows = part_rows
        self._ends: deque[tuple[int, float]] = deque()
        self._seen = 0
        self._latest_s = math.nan

    def note(self, rows: int, captured_s: float) -> None:
        """Say that the next rows of the web were captured then; rows that nobody looks at count, too."""
        before, self._seen = self._seen, self._seen + rows
        self._latest_s = captured_s
        if self._seen // self._part_rows > before // self._part_rows:
            self._ends.append((self._seen, captured_s))

    def take(self, y2: int) -> float:
        """Return when the strip of row y2 − 1 was captured, in s; parts are asked for in their order."""
        # Kept for the next part: several may end in one strip.
        while self._ends and self._ends[0][0] < y2:
            self._ends.popleft()
        return self._ends[0][1] if self._ends else self._latest_s
