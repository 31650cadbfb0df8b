"""The rules of the verdict: which regions count, and how many of them a part may have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Zone:
    """Where nothing is looked for, such as a selvedge: columns x1 ≤ x < x2 and rows y1 ≤ y < y2, in pixels."""

    x1: int
    x2: int
    y1: int | None = None
    """None, with y2: all rows. An endless web has no other zones."""
    y2: int | None = None


@dataclass(frozen=True)
class ClassRule:
    """What a kind of defect means for a part."""

    min_area_px: int = 0
    """Smaller regions do not count."""
    min_area_mm2: float | None = None
    """Smaller regions do not count, either; needs mm per pixel."""
    max_regions: int = 0
    """A part with more counted regions is rejected."""
    window_mm: float | None = None
    """Length of web, up to the part's end, in which `max_regions` are allowed; None for the part alone. Needs mm per
    pixel."""


@dataclass(frozen=True)
class VerdictRules:
    """When a part is rejected. By default: when it has a region."""

    connectivity: Literal[4, 8] = 8
    """8: diagonal pixels belong together."""
    classes: dict[str, ClassRule] = field(default_factory=dict)
    """Class name → its own rule; such a class is judged by that alone."""
    others: ClassRule = ClassRule()
    """For all other classes together."""
    zones: tuple[Zone, ...] = ()

    def rule_for(self, label: str) -> ClassRule:
        """Return the rule that a class is judged by."""
        return self.classes.get(label, self.others)
