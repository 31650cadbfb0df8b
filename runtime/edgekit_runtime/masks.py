"""The mask of logits: the one rule that graphs, training and evaluation share, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem

Logits = npt.NDArray[Any]
"""float32 or float64 (N, 1, H, W) for one defect class, or (N, K, H, W) with class 0 the background."""

MAX_CHANNELS = 256
"""Classes of a mask of bytes."""


def mask_of(logits: Logits, threshold: float) -> npt.NDArray[np.uint8]:
    """Return the class-index mask, uint8 (N, H, W): not (margin < threshold), so that NaN is a defect.

    The comparison is made in the logits' own precision, as in an exported graph.

    Args:
        logits: float (N, 1, H, W) or (N, K, H, W), K at most 256.
        threshold: On the logit, or on the best defect's lead over the background.

    Raises:
        UsageProblem: If the logits have another form.
    """
    defect = ~(margins_of(logits) < logits.dtype.type(threshold))
    if logits.shape[1] == 1:
        return np.asarray(defect, np.uint8)
    best = 1 + logits[:, 1:].argmax(axis=1)
    return np.asarray(np.where(defect, best, 0), np.uint8)


def margins_of(logits: Logits) -> npt.NDArray[Any]:
    """Return what meets the threshold, (N, H, W): the logit, or the best defect's lead over background.

    Raises:
        UsageProblem: If the logits are not float (N, 1, H, W) or (N, K, H, W), K at most 256.
    """
    if logits.ndim != 4 or not 1 <= logits.shape[1] <= MAX_CHANNELS or logits.dtype.kind != "f":
        raise UsageProblem(
            f"Logits must be float (N, K, H, W) with 1 to {MAX_CHANNELS} channels, "
            f"got {logits.dtype} {logits.shape}.",
            remedy="Pass what the network answers, before any threshold, with the batch as first axis.",
        )
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0])
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, and so a defect
        return np.asarray((logits[:, 1:] - logits[:, :1]).max(axis=1))
