"""What happened on a line, in numbers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = "edgekit.line/1"


@dataclass(frozen=True)
class LineSummary:
    """Counts and speeds of a line, since it began.

    Attributes:
        strips: Inspected.
        rows: Of the web, inspected or not.
        metres: The same in metres; None where mm per pixel is not known.
        tiles: Run.
        tiles_per_strip: Mean of them.
        parts, rejected, late: Answered, rejected, and answered after the deadline.
        deadline_ms: What `late` was counted by; None where no answer can be late.
        dropped: Strips that gave way to newer ones; not inspected.
        overruns: Strips that found no room and had to wait for it.
        refused, repeated, missing, restarts, short: See `strips.StripCounts`.
        stalls: Times that the source gave nothing for too long.
        lost_rows: Rows that nobody inspected, whatever the reason.
        swaps, swaps_refused: Bundles that were taken, and that were not.
        lost_records, lost_pictures: Not written.
        wall_s: Since the line began.
        busy_s: Of that, spent on strips and answers; the rest is waiting for strips.
        tiles_per_s: Tiles per busy second, FPS in the papers.
        greatest_speed_m_per_min: Metres inspected per busy minute: the speed at which the line would never wait. With
            strips of one row of tiles this is the papers' DS = FPS / tiles per strip · metres per strip · 60.
        latency_p50_ms, latency_p99_ms, latency_max_ms: From the capture of a part's last strip to its verdict; the
            percentiles at most 1 % too large. None before the first part.
        memory_mb: Resident memory of the process now; None where the system does not say.
        bundle: Digest of the bundle that runs.
    """

    strips: int
    rows: int
    metres: float | None
    tiles: int
    tiles_per_strip: float | None
    parts: int
    rejected: int
    late: int
    deadline_ms: float | None
    dropped: int
    overruns: int
    refused: int
    repeated: int
    missing: int
    restarts: int
    short: int
    stalls: int
    lost_rows: int
    swaps: int
    swaps_refused: int
    lost_records: int
    lost_pictures: int
    wall_s: float
    busy_s: float
    tiles_per_s: float | None
    greatest_speed_m_per_min: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    latency_max_ms: float | None
    memory_mb: float | None
    bundle: str

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready data; what is no finite number is None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in dataclasses.asdict(self).items()
        }


def measure_speed(rows: int, busy_s: float, mm_per_pixel: float | None) -> float | None:
    """Return the metres per minute of web that were inspected; None where that is not known."""
    if mm_per_pixel is None or not busy_s:
        return None
    return rows * mm_per_pixel / 1000.0 / busy_s * 60.0


def read_memory_mb() -> float | None:
    """Return the resident memory of this process in MB; None where the system has no /proc."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None
