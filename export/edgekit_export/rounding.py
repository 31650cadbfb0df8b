"""How far two correct float32 evaluations of one network may lie apart, measured on the network itself.

A fixed tolerance is wrong twice: too wide for a shallow network, where a changed weight would pass, and too
narrow for a deep one. So torch runs the network in float32 and in float64; what lies between is rounding and
nothing else. What it cannot decide, the pixels that lie nearer to the threshold than that, is found here too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.masks import Logits, margins_of, mask_of

Array = npt.NDArray[Any]

MARGIN = 16
"""Another order of sums rounds like torch's own, up to a small factor: 16 is four bits of room."""

FLOOR = 2.0**-20
"""Of the largest value: a few units in the last place where float32 happens to meet float64."""

RMS_MARGIN = 3
"""Four times what ONNX Runtime and torch differ by (0.4 to 0.8 of the rounding on CheapNet-S and -M)."""

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


def measure_rms_bounds(single: Mapping[str, Array], double: Mapping[str, Array] | None) -> dict[str, float]:
    """Return for each output the largest root mean square difference that rounding explains.

    A changed weight moves many pixels a little, where rounding moves few pixels far: the mean square sees what the
    largest difference does not. Outputs of a network that cannot run in float64 have no such bound.
    """
    if double is None:
        return {}
    return {name: _rms_bound(array.astype(np.float64), double[name]) for name, array in single.items()}


def root_mean_square(difference: Array) -> float:
    """Return the root of the mean square; NaN where a value is NaN."""
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64)))) if difference.size else 0.0


def undecided(logits: Logits, threshold: float, bound: float) -> npt.NDArray[np.bool_]:
    """Return the pixels (N, H, W) whose class may differ where logits are rounded by up to `bound`.

    With several classes two logits take part in each comparison, hence twice the bound.
    """
    distance = np.abs(margins_of(logits) - threshold)
    if logits.shape[1] == 1:
        return np.asarray(distance <= bound)
    near = distance <= 2 * bound
    if logits.shape[1] > 2:
        first, second = np.sort(logits[:, 1:], axis=1)[:, ::-1][:, :2].swapaxes(0, 1)
        tied = (first - second <= 2 * bound) & (mask_of(logits, threshold) > 0)
        near = near | tied
    return np.asarray(near)


def _rms_bound(single: Array, double: Array) -> float:
    return RMS_MARGIN * root_mean_square(single - double) + FLOOR * root_mean_square(single)


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
