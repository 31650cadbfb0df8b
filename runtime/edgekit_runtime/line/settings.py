"""What a line is told: parts, deadlines, what may wait, and what is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line.waiting import Policy

SECONDS_PER_MINUTE = 60.0


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
    waiting: int = 4
    """Strips that may wait to be inspected."""
    deadline_s: float | None = None
    """From the capture of a part's last row to its verdict. None: no answer is late."""
    mm_per_pixel: float | None = None
    """Length of a row, for speeds and lengths; None takes the bundle's."""
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
        least = {
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
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise UsageProblem(f"{name} must be {smallest} or more, got {value}.")
        for name in ("deadline_s", "mm_per_pixel", "stall_s", "watch_s"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageProblem(f"{name} must be a positive number, got {value}.")
        if self.policy not in ("queue-all", "newest-wins"):
            raise UsageProblem(f"policy must be queue-all or newest-wins, got {self.policy!r}.")


def seconds_per_row(line_speed_m_per_min: float, mm_per_pixel: float) -> float:
    """Return the time in which the web moves on by one row.

    Raises:
        UsageProblem: If a number is not positive.
    """
    for name, value in (("The line speed", line_speed_m_per_min), ("mm per pixel", mm_per_pixel)):
        if not 0 < value < math.inf:
            raise UsageProblem(f"{name} must be a positive number, got {value}.")
    return mm_per_pixel / 1000.0 * SECONDS_PER_MINUTE / line_speed_m_per_min
