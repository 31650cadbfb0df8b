"""What the runtime answers: frozen values with units in their names."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Verdict = Literal["accept", "reject"]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Region:
    """One connected defect.

    The box is half-open, in pixels of the frame (or of the web, whose rows count from its first one ever):
    columns x1 ≤ x < x2, rows y1 ≤ y < y2.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    area_px: int
    label: str
    mm_per_pixel: float | None = None
    """None where the scale is not known."""

    @property
    def area_mm2(self) -> float | None:
        """The area in mm²; None where the scale is not known."""
        return None if self.mm_per_pixel is None else self.area_px * self.mm_per_pixel**2

    @property
    def box_mm(self) -> tuple[float, float, float, float] | None:
        """The box (x1, y1, x2, y2) in mm from the frame's or the web's corner; None where the scale is not known."""
        scale = self.mm_per_pixel
        return None if scale is None else (self.x1 * scale, self.y1 * scale, self.x2 * scale, self.y2 * scale)

    def to_dict(self) -> dict[str, Any]:
        """Return the region as JSON-ready data; what is in mm is None where the scale is not known."""
        return {
            "x1": self.x1,
            "y1": self.y1,
            "x2": self.x2,
            "y2": self.y2,
            "area_px": self.area_px,
            "label": self.label,
            "area_mm2": self.area_mm2,
            "box_mm": None if self.box_mm is None else list(self.box_mm),
        }


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one frame. Fields that the task does not have are None.

    Attributes:
        task: "segment" or "classify".
        verdict: "reject" when more defects were found than the rules allow, else "accept".
        reason: The verdict in words.
        label: Name of the image's class (classify), or of its largest region's class (segment; None when
            clean).
        probabilities: Class name → probability at the exit that answered (classify).
        exit: 1-based number of the stage that answered (classify).
        low_confidence: True when the last exit answered below its own threshold.
        mask: uint8 (H, W), read-only: 0 background, k the k-th class (segment). It is background in the zones of the
            rules, whatever the network saw there; regions that are too small to count are still in it.
        regions: Connected regions that count, ordered by (y1, x1, y2, x2, area, label).
        backend: Which backend answered, such as "onnxruntime".
        precision: The bundle's precision, such as "fp32".
        latency_ms: Wall time of the call that answered; frames of one batch share it.
        provenance: Where the weights come from: "trained", "imported", "demo" or "untrained".
    """

    task: str
    verdict: Verdict
    reason: str
    backend: str
    precision: str
    latency_ms: float
    provenance: str
    label: str | None = None
    probabilities: dict[str, float] | None = None
    exit: int | None = None
    low_confidence: bool = False
    mask: Mask | None = field(default=None, repr=False)
    regions: tuple[Region, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data without the mask; keys are stable, NaN becomes None."""
        probabilities: dict[str, float | None] | None = None
        if self.probabilities is not None:
            probabilities = {
                name: value if math.isfinite(value) else None for name, value in self.probabilities.items()
            }
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "label": self.label,
            "probabilities": probabilities,
            "exit": self.exit,
            "low_confidence": self.low_confidence,
            "regions": [region.to_dict() for region in self.regions] if self.task == "segment" else None,
            "backend": self.backend,
            "precision": self.precision,
            "latency_ms": self.latency_ms,
            "provenance": self.provenance,
        }
