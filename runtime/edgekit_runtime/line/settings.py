"""What a line is told: parts, deadlines, what may wait, and what is kept."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit_runtime.bundle.contract_checks import MAX_MM_PER_PIXEL, MIN_MM_PER_PIXEL
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line.waiting import Policy

SECONDS_PER_MINUTE = 60.0

MOST_ROWS_OF_A_PART = 1 << 53
"""With more, numbers of 64 bits could not be calculated with; nobody has so much cloth."""

NEWEST_WAITING, ALL_WAITING = 1, 4
"""Of the newest strips one waits: what waits behind others is never fresh again once the line has fallen behind."""

_WHOLE = {
    "part_rows": 1,
    "width": 1,
    "strip_rows": 1,
    "drop_left": 0,
    "drop_right": 0,
    "waiting": 1,
    "most_refused": 1,
    "records_bytes": 1,
    "records_files": 1,
    "pictures_bytes": 1,
    "picture_rows": 1,
}
"""Whole numbers, and the least they may be."""

_LEAST_S, _MOST_S = 1e-9, 1e9
"""Of clocks and of patience."""

_OPTIONAL = ("part_rows", "width", "strip_rows", "waiting", "deadline_s", "mm_per_pixel", "watch_s")


@dataclass(frozen=True)
class LineSettings:
    """How a line works. Every value has a default but for what only the plant knows.

    Raises:
        UsageProblem: If a number is out of its range.
    """

    part_rows: int | None = None
    """Rows of a part; None takes those of the bundle's tiles."""
    width: int | None = None
    """Of the web in pixels; None takes that of the first strip."""
    strip_rows: int | None = None
    """Announced by the camera: shorter strips are reported. None where any height will do."""
    drop_left: int = 0
    """Columns of tiles at the left side of the web that are not inspected."""
    drop_right: int = 0
    policy: Policy = "queue-all"
    """What happens to a strip that finds no room: "queue-all" lets the source wait, which is counted as an overrun;
    with "newest-wins" the oldest gives way, and the parts that it belonged to are rejected as not inspected."""
    waiting: int | None = None
    """Strips that may wait to be inspected; None takes 4 for "queue-all" and 1 for "newest-wins", whose answers would
    be the older the more of them wait."""
    deadline_s: float | None = None
    """From the capture of the strip with a part's last row to its verdict. None: no answer is late."""
    mm_per_pixel: float | None = None
    """Size of a pixel, for speeds, lengths and areas; None takes the bundle's, which it must not contradict."""
    most_refused: int = 10
    """So many strips in a row that cannot be used end the line."""
    stall_s: float = 10.0
    """A source that gives nothing for so long has stalled, which is counted."""
    stop_on_stall: bool = False
    """Whether a stalled source ends the line; otherwise it waits, for a web may stand still."""
    records: str | Path | None = None
    """Folder for the results as JSON lines."""
    records_bytes: int = 16_000_000
    """Of one file of records; `records_files` of them are kept."""
    records_files: int = 8
    records_sync_s: float = 1.0
    """Records are forced to the disk so often: a power cut loses what is younger."""
    pictures: str | Path | None = None
    """Folder for images of rejected parts."""
    pictures_bytes: int = 1_000_000_000
    """Of all images; the oldest go."""
    picture_rows: int = 8192
    """An image shows so many rows at most, the last ones of its part; they are held in memory."""
    watch_s: float | None = None
    """How often the path of the bundle is looked at for a new one; None never."""

    def __post_init__(self) -> None:
        for name, least in _WHOLE.items():
            self._check(name, _is_whole, f"a whole number, {least} or more", least, MOST_ROWS_OF_A_PART)
        for name in ("deadline_s", "stall_s", "watch_s"):
            self._check(name, _is_number, "a positive number", _LEAST_S, _MOST_S)
        self._check("records_sync_s", _is_number, "a number, 0 or more", 0, _MOST_S)
        self._check("mm_per_pixel", _is_number, "a positive number", MIN_MM_PER_PIXEL, MAX_MM_PER_PIXEL)
        if self.policy not in ("queue-all", "newest-wins"):
            raise UsageProblem(f"policy must be queue-all or newest-wins, got {self.policy!r}.")

    def _check(
        self, name: str, is_kind: Callable[[object], bool], kind: str, least: float, most: float
    ) -> None:
        value = getattr(self, name)
        if value is None and name in _OPTIONAL:
            return
        if not is_kind(value) or not least <= value <= most:
            raise UsageProblem(f"{name} must be {kind}, got {value!r}.")

    @property
    def room(self) -> int:
        """Strips that may wait to be inspected."""
        if self.waiting is not None:
            return self.waiting
        return NEWEST_WAITING if self.policy == "newest-wins" else ALL_WAITING


def choose_scale(of_bundle: float | None, asked: float | None) -> float | None:
    """Return the mm per pixel that all places, lengths and areas of a line are in; None where nobody knows it.

    Args:
        of_bundle: Which its rules are in.
        asked: Which the plant knows.

    Raises:
        UsageProblem: If they differ.
    """
    if of_bundle is None or asked is None or of_bundle == asked:
        return asked if of_bundle is None else of_bundle
    raise UsageProblem(
        f"The bundle has {of_bundle:g} mm per pixel, and {asked:g} are asked for: places and areas would differ.",
        remedy=f"Leave it out, or write a bundle with it: edgekit rules BUNDLE --mm-per-px {asked:g} --out "
        "NEW.edgekit.",
    )


def seconds_per_row(line_speed_m_per_min: float, mm_per_pixel: float) -> float:
    """Return the time in which the web moves on by one row.

    Raises:
        UsageProblem: If a number is not positive.
    """
    for name, value in (("The line speed", line_speed_m_per_min), ("mm per pixel", mm_per_pixel)):
        if not 0 < value < math.inf:
            raise UsageProblem(f"{name} must be a positive number, got {value}.")
    return mm_per_pixel / 1000.0 * SECONDS_PER_MINUTE / line_speed_m_per_min


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
