"""The numbers that a camera gives its strips: what they say of strips that were missed, repeated, or counted anew.

A number that does not go on from the last one is believed when the next goes on from it. Until then a number a little
below the last is that of a strip that came already, and is left out; one far off is a broken number, and its strip is
not inspected. So a counter that wraps (65535, 0, 1) or begins again costs one strip, and not all that come: what was
captured between the two counts nobody knows, and the rows of that strip, which nobody inspects, part them.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field
from typing import Literal

from edgekit_runtime.errors import FrameError

MOST_MISSING = 1000
"""A larger step in the strips' numbers is no number of strips that were lost."""

Kind = Literal["next", "repeated", "broken", "anew"]


@dataclass(frozen=True)
class Place:
    """Where a strip belongs.

    Attributes:
        kind: "next" on the web; "repeated", to be left out; with a "broken" number, not to be inspected; or the second
            strip of a camera that counts "anew".
        missing: Strips that were passed over before it.
        lost_rows: Of the strip before it that was left out, and was no repeated one after all.
        fault: What is to be said of it.
    """

    kind: Kind
    missing: int = 0
    lost_rows: int = 0
    fault: str | None = None


@dataclass
class StripNumbers:
    """Follows the numbers of a camera's strips."""

    _last: int | None = None
    _passed_over: set[int] = field(default_factory=set)
    _odd: tuple[int, int] | None = None
    """The last number that did not go on from the one before, and the rows of its strip that nothing counts yet."""

    def place(self, number: object, rows: int) -> Place:
        """Say where a strip belongs.

        Args:
            number: None where nobody counts.
            rows: Of the strip.

        Raises:
            FrameError: If the number is no whole number.
        """
        if number is None:
            return Place("next")
        if not isinstance(number, numbers.Integral) or isinstance(number, bool):
            raise FrameError(
                f"Strip.number must be a whole number or None, got {number!r}.",
                remedy="Pass the camera's own count of its strips, or None where it does not count.",
            )
        return self._place(int(number), rows)

    def _place(self, number: int, rows: int) -> Place:
        if self._last is None or 1 <= number - self._last <= MOST_MISSING:
            return Place("next", self._go_on(number, self._last))
        before = f"strip {number} came after strip {self._last}"
        if number in self._passed_over:  # out of order: its rows are counted as not inspected
            self._passed_over.remove(number)
            return Place("repeated", fault=before)
        if self._odd is not None and 1 <= number - self._odd[0] <= MOST_MISSING:
            odd, uncounted_rows = self._odd
            self._passed_over.clear()
            missing = self._go_on(number, odd)
            return Place("anew", missing, uncounted_rows, f"{before}: the camera counts anew")
        if -MOST_MISSING <= number - self._last <= 0:
            self._odd = number, rows
            return Place("repeated", fault=before)
        self._odd = number, 0
        return Place("broken", fault=f"{before}, and no line can have lost so many")

    def _go_on(self, number: int, last: int | None) -> int:
        """Return how many strips lie between."""
        missing = 0 if last is None else number - last - 1
        if missing:
            recent = {passed for passed in self._passed_over if passed >= number - MOST_MISSING}
            self._passed_over = recent | set(range(number - missing, number))
        self._last, self._odd = number, None
        return missing
