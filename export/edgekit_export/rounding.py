"""How far two correct float32 evaluations of one network may lie apart, measured on the network itself.

A fixed tolerance is wrong twice: too wide for a shallow network, where a changed weight would pass, and too
narrow for a deep one. So torch runs the network in float32 and in float64; what lies between is rounding and
nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MARGIN = 16
"""Another order of sums rounds like torch's own, up to a small factor: 16 is four bits of room."""

FLOOR = 2.0**-20
"""Of the largest value: a few units in the last place where float32 happens to meet float64."""

UNMEASURED = 2.0**-13
"""Of the largest value, for a network that cannot run in float64: 11 of float32's 24 bits."""


def measure_bounds(single: Mapping[str, Array], double: Mapping[str, Array] | None) -> dict[str, float]:
    """Return for each output the largest difference that rounding explains.

    Bounds are rounded up to a power of two, so that they, and what is recorded by them, do not follow the
    last bits of a processor's arithmetic.

    Args:
        single: Outputs of the float32 run by name.
        double: Outputs of the float64 run; None where the network cannot run in float64.
    """
    return {name: _bound(array, None if double is None else double[name]) for name, array in single.items()}


def _bound(single: Array, double: Array | None) -> float:
    finite = np.isfinite(single) if double is None else np.isfinite(single) & np.isfinite(double)
    if not finite.any():
        return 0.0
    largest = float(np.abs(single[finite]).max())
    if double is None:
        bound = UNMEASURED * largest
    else:
        rounding = float(np.abs(single[finite].astype(np.float64) - double[finite]).max())
        bound = MARGIN * rounding + FLOOR * largest
    return 2.0 ** math.ceil(math.log2(bound)) if bound > 0 else 0.0
