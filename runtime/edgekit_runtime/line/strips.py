"""What a source gives, and what of it may go on: the next strip of the web, or rows that nobody will look at."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import InputContract
from edgekit_runtime.errors import FrameError
from edgekit_runtime.line.numbering import Place, StripNumbers
from edgekit_runtime.pixels import convert_frame

Pixels = npt.NDArray[Any]
"""(h, W) or (h, W, 3)."""

MOST_ROWS = 1 << 16
"""Rows that a refused strip is believed to have had."""

FURTHEST_FUTURE_S = 0.1
"""A strip that was captured later than this after now was timed by another clock."""


class UnusableStrip(FrameError):
    """Stands in the place of a strip that its source has seen and cannot pass on.

    Args:
        message: As for any error.
        rows: Of web that the strip is about.
    """

    def __init__(self, message: str, *, rows: int) -> None:
        super().__init__(message)
        self.rows = rows


@dataclass(frozen=True, eq=False)
class Strip:
    """The next rows of a web, as a source may give them where it knows more than their pixels.

    Attributes:
        rows: uint8 or uint16 (h, W) or (h, W, 3) of any height, as the pixels of the bundle's input contract say; or
            the error that came in their place: the rows are then counted as not inspected, and the line goes on.
        number: Counted by the camera, one more for every strip; None where nobody counts. A strip whose number came
            already is left out, and those whose numbers are passed over are rows that were not inspected. A count may
            begin again, see `numbering`.
        captured_s: When the last row was exposed, on the line's clock (`time.perf_counter` by default); None takes the
            time at which the source gave the strip.
    """

    rows: Pixels | Exception
    number: int | None = None
    captured_s: float | None = None


@dataclass(frozen=True, eq=False)
class Arrival:
    """What became of a strip that a source gave.

    Attributes:
        lost_rows: Of the web, before `rows`, that nobody will look at.
        rows: To be inspected; None where the strip could not be used.
        captured_s: When the last of all these rows was captured.
        lost_since_s: The earliest time at which the first strip that was lost may have been captured; None where that
            is `captured_s`.
    """

    lost_rows: int
    rows: Pixels | None
    captured_s: float
    lost_since_s: float | None = None

    @property
    def height(self) -> int:
        """Rows of web that this is about."""
        return self.lost_rows + (0 if self.rows is None else len(self.rows))


@dataclass
class StripCounts:
    """What was wrong with the strips that came."""

    refused: int = 0
    """Of another width, type or channels, or no arrays; their rows were not inspected."""
    repeated: int = 0
    """With a number that had come already, or out of order; left out."""
    missing: int = 0
    """Passed over by the numbers; their rows were not inspected."""
    restarts: int = 0
    """Times that the camera has counted anew; the first strip of each new count was not inspected."""
    short: int = 0
    """With fewer rows than announced; inspected."""


@dataclass
class StripGate:
    """Compares every strip with what the web is.

    Nothing that was captured is passed over in silence: what cannot be inspected becomes lost rows.

    Args:
        contract: Of the bundle, for the pixels.
        width: Of the web in pixels; None takes that of the first strip.
        announced_rows: Of every strip; None where any height will do.
        most_refused: So many strips in a row that cannot be used are a broken camera.
    """

    contract: InputContract
    width: int | None
    announced_rows: int | None
    most_refused: int
    counts: StripCounts = field(default_factory=StripCounts)
    last_fault: str | None = None
    """What was wrong with the last strip that could not be used."""
    _numbers: StripNumbers = field(default_factory=StripNumbers)
    _last_captured_s: float | None = None
    _usual_rows: int | None = None
    _unusable_in_a_row: int = 0

    def admit(self, item: object, now_s: float) -> tuple[Arrival | None, str | None]:
        """Return what to inspect of a strip, and what was wrong with it, in words; None where nothing is.

        The rows are converted as the bundle's pixels say, and copied: a camera may write its next strip into the same
        memory.

        Raises:
            FrameError: If so many strips in a row cannot be used that the camera is not the one for this bundle, or a
                strip's number or time is no number.
        """
        strip = item if isinstance(item, Strip) else Strip(item)  # type: ignore[arg-type]
        captured_s = _take_time(strip.captured_s, now_s)
        place = self._numbers.place(strip.number, self._measure(strip.rows))
        if place.kind == "repeated":
            self.counts.repeated += 1
            self._count_unusable(str(place.fault))
            return None, place.fault
        self.counts.missing += place.missing
        self.counts.restarts += place.kind == "anew"
        rows = None
        fault = place.fault if place.kind == "broken" else _find_time_fault(captured_s, now_s)
        if fault is None:
            rows, fault = self._convert(strip.rows)
        lost_rows = place.missing * self._guess_rows() + place.lost_rows
        lost_since_s = self._last_captured_s if lost_rows else None
        if rows is None:
            self._last_captured_s = now_s
            return Arrival(lost_rows + self._refuse(strip.rows, str(fault)), None, now_s, lost_since_s), fault
        self._last_captured_s = captured_s
        note = self._accept(rows, lost_rows, place)
        return Arrival(lost_rows, rows, captured_s, lost_since_s), note

    def _convert(self, given: object) -> tuple[Pixels | None, str | None]:
        """Return rows as the bundle takes them, in memory of their own; or what is wrong with them."""
        fault = self._find_form_fault(given)
        if fault is not None or not isinstance(given, np.ndarray):
            return None, fault
        try:
            rows = convert_frame(given, self.contract.pixels, "A strip")
        except FrameError as error:
            return None, error.message
        return np.array(rows, order="C") if np.may_share_memory(rows, given) else rows, None

    def _accept(self, rows: Pixels, lost_rows: int, place: Place) -> str | None:
        """Count a strip that can be used, and return what is to be said of it."""
        self._unusable_in_a_row = 0
        self.width, self._usual_rows = rows.shape[1], len(rows)
        note = place.fault
        if place.missing and note is None:
            strips = "1 strip is" if place.missing == 1 else f"{place.missing} strips are"
            note = f"{strips} missing: {lost_rows} rows were not inspected"
        if self.announced_rows is not None and len(rows) < self.announced_rows:
            self.counts.short += 1
            note = note or f"a strip has {len(rows)} rows; {self.announced_rows} were announced"
        return note

    def _refuse(self, rows: object, fault: str) -> int:
        """Count a strip that cannot be used, and return how many rows of web it stood for."""
        self.counts.refused += 1
        self._count_unusable(fault)
        return self._measure(rows)

    def _measure(self, rows: object) -> int:
        """Return how many rows of web a strip stands for."""
        if isinstance(rows, UnusableStrip):
            return rows.rows
        if isinstance(rows, np.ndarray) and rows.ndim in (2, 3) and 1 <= len(rows) <= MOST_ROWS:
            return len(rows)
        return self._guess_rows()

    def _count_unusable(self, fault: str) -> None:
        """End the line where no strip has been of use for too long."""
        self._unusable_in_a_row += 1
        self.last_fault = fault.rstrip(".")
        if self._unusable_in_a_row >= self.most_refused:
            raise FrameError(
                f"{self._unusable_in_a_row} strips in a row could not be used; the last: {self.last_fault}.",
                remedy="Look at the camera's settings (width, bit depth, channels, numbers of its strips), and begin "
                "the line again.",
            )

    def _guess_rows(self) -> int:
        """Return how many rows a strip has of which nothing is known."""
        return self.announced_rows or self._usual_rows or self.contract.height

    def _find_form_fault(self, rows: object) -> str | None:
        if isinstance(rows, UnusableStrip):
            return rows.message
        if isinstance(rows, Exception):
            return f"a strip could not be read: {rows}"
        if not isinstance(rows, np.ndarray):
            return f"a strip must be an array, and is a {type(rows).__name__}"
        is_image = rows.ndim == 2 or (rows.ndim == 3 and rows.shape[2] == 3)
        if is_image and min(rows.shape[:2]) >= 1 and self.width in (None, rows.shape[1]):
            return None
        columns = "columns" if self.width is None else str(self.width)
        return f"a strip must be (rows, {columns}) or (rows, {columns}, 3), and is {rows.shape}"


def _take_time(captured_s: object, now_s: float) -> float:
    if captured_s is None:
        return now_s
    if not isinstance(captured_s, numbers.Real):
        raise FrameError(
            f"Strip.captured_s must be a time in seconds or None, got {captured_s!r}.",
            remedy="Read the line's clock (time.perf_counter) when a strip is captured, or pass None.",
        )
    return float(captured_s)


def _find_time_fault(captured_s: float, now_s: float) -> str | None:
    """By another clock no answer would ever be late."""
    if math.isfinite(captured_s) and captured_s <= now_s + FURTHEST_FUTURE_S:
        return None
    return f"a strip was captured at {captured_s:g} s, and the line's clock (time.perf_counter) is at {now_s:g} s"
