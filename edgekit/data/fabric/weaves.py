"""Weaves: where the warp lies over the weft."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Weave = npt.NDArray[np.bool_]
"""bool (picks, ends) of one repeat: whether the warp end lies over the weft pick."""


def _twill(over: int, under: int) -> Weave:
    """Return the weave whose floats move on by one end from pick to pick."""
    repeat = over + under
    pick, end = np.indices((repeat, repeat))
    floats: Weave = (end - pick) % repeat < over
    return floats


def _satin(ends: int, step: int) -> Weave:
    """Return the warp-faced weave with one binding point per pick, `step` ends further each time."""
    pick, end = np.indices((ends, ends))
    floats: Weave = (end - step * pick) % ends != 0
    return floats


WEAVES: Mapping[str, Weave] = MappingProxyType(
    {"plain": _twill(1, 1), "twill": _twill(2, 2), "satin": _satin(5, 2)}
)
"""By name: plain 1/1, twill 2/2, five-end satin."""
