"""Zones of a frame or a web in which nothing is looked for: their pixels of a mask are background.

The mask is blanked before regions are found, so that what lies in a zone neither counts nor joins regions beside it,
and a region that reaches into a zone ends at its border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle import Zone
from edgekit_runtime.errors import UsageProblem


def blank_zones(mask: npt.NDArray[np.uint8], zones: Iterable[Zone]) -> npt.NDArray[np.uint8]:
    """Return a mask whose pixels in the zones are 0.

    Args:
        mask: uint8 (H, W), which stays as it is.
        zones: What lies beyond the mask of them is of no matter.

    Returns:
        The mask itself where the zones hold no defect; else a copy, read-only.
    """
    parts = [(slice(zone.y1, zone.y2), slice(zone.x1, zone.x2)) for zone in zones]
    marked = [part for part in parts if mask[part].any()]
    if not marked:
        return mask
    blanked = np.array(mask)
    for part in marked:
        blanked[part] = 0
    blanked.flags.writeable = False
    return blanked


def check_web_zones(zones: Sequence[Zone]) -> None:
    """Raise UsageProblem unless all zones go along a web: rows of a web without end have no fixed place."""
    for zone in zones:
        if zone.y1 is not None or zone.y2 is not None:
            raise UsageProblem(
                f"The zone of columns {zone.x1} to {zone.x2} ends at rows {zone.y1} and {zone.y2}, "
                "which an endless web does not have.",
                remedy="Give zones of a web without rows: they hold for its whole length.",
            )
