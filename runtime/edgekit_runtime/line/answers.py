"""What the line says about a part: the verdict, and when it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgekit_runtime.web.parts import PartResult


@dataclass(frozen=True)
class PartAnswer:
    """The verdict on a part, as it leaves the line.

    Attributes:
        part: Number, rows, verdict, reason and regions.
        latency_ms: From the capture of the strip that brought the part's last row to this answer. Of rows that were
            lost, from the earliest time at which they may have been captured.
        late: Whether that was longer than the deadline: the part may have passed the gate already.
        bundle: Digest of the bundle that ran when the verdict was reached; one before it may have seen the first rows.
        columns: Of the web that were inspected, half-open: beside them, where columns of tiles are left out, nobody
            has looked.
    """

    part: PartResult
    latency_ms: float
    late: bool
    bundle: str
    columns: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready data."""
        return {
            **self.part.to_dict(),
            "latency_ms": round(self.latency_ms, 3),
            "late": self.late,
            "bundle": self.bundle,
            "columns": list(self.columns),
        }
