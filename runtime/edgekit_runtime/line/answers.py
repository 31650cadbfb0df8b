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
        latency_ms: From the capture of the part's last row to this answer.
        late: Whether that was longer than the deadline: the part may have passed the gate already.
        bundle: Digest of the bundle that answered its last rows.
    """

    part: PartResult
    latency_ms: float
    late: bool
    bundle: str

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready data."""
        return {
            **self.part.to_dict(),
            "latency_ms": round(self.latency_ms, 3),
            "late": self.late,
            "bundle": self.bundle,
        }
