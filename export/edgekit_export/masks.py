"""The mask as the runtime defines it, in NumPy, and the pixels that rounding may turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[Any]
"""float32 or float64 (N, 1, H, W), or (N, K, H, W) with class 0 the background."""


def margins_of(logits: Logits) -> npt.NDArray[Any]:
    """Return what meets the threshold, (N, H, W): the logit, or the best defect's lead over background."""
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0])
    return np.asarray((logits[:, 1:] - logits[:, :1]).max(axis=1))


def mask_of(logits: Logits, threshold: float) -> npt.NDArray[np.uint8]:
    """Return the class-index mask, uint8 (N, H, W): not (margin < threshold), so that NaN is a defect."""
    defect = ~(margins_of(logits) < logits.dtype.type(threshold))
    if logits.shape[1] == 1:
        return np.asarray(defect, np.uint8)
    best = 1 + logits[:, 1:].argmax(axis=1)
    return np.asarray(np.where(defect, best, 0), np.uint8)


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
