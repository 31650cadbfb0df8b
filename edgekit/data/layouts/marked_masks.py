"""Which images are defective where only their masks tell: each mask is looked at when a set is opened.

A split has to know: where one image in ten is defective, a part that was drawn without looking may hold no defect.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from edgekit.data.layouts.mask_files import read_black_and_white
from edgekit_runtime.errors import IoFault, MaskError

DEFECTIVE, NORMAL = "defective", "normal"
UNREADABLE = "unreadable"
"""The stratum of images whose mask cannot be read; loading them says why."""


def marks_defect(mask: Path) -> bool | None:
    """Tell whether a mask marks any pixel; None where it cannot be read: the others can be used."""
    try:
        stat = mask.stat()
        return _marks_any_pixel(mask, stat.st_mtime_ns, stat.st_size)
    except (OSError, IoFault):
        return None


def name_stratum(shown: Collection[bool | None]) -> str:
    """Return the stratum of a group: one defective image makes all of it defective.

    Args:
        shown: What `marks_defect` says of the group's masks.
    """
    if True in shown:
        return DEFECTIVE
    return UNREADABLE if None in shown else NORMAL


@lru_cache(maxsize=100_000)
def _marks_any_pixel(mask: Path, _mtime_ns: int, _size: int) -> bool | None:
    """Tell whether a mask marks anything; remembered, because one command may open a dataset more than once."""
    try:
        return bool(read_black_and_white(mask).any())
    except MaskError:
        return None
