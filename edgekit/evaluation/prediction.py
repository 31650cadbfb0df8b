"""What a network answers for one frame, whichever task it has and wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.pixels import Frame


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one frame; what the task or the target does not give is None.

    Attributes:
        mask: Class indices, uint8 (H, W), 0 the background; of segmenting networks.
        logits: float32 (H, W) before the sigmoid; of segmenting networks with one defect class whose graph is not
            cut off at the mask, so not of bundles.
        probabilities: float32 (classes,), which sum to one; of classifying networks.
        exit: Number of the exit that answered, from 1; of networks with early exits.
        low_confidence: Whether the last exit answered below its own threshold.
        exit_probabilities: float32 (exits, classes), what each exit says; only where that was asked for.
    """

    mask: npt.NDArray[np.uint8] | None = None
    logits: npt.NDArray[np.float32] | None = None
    probabilities: npt.NDArray[np.float32] | None = None
    exit: int | None = None
    low_confidence: bool = False
    exit_probabilities: npt.NDArray[np.float32] | None = None


Predict = Callable[[Frame], Prediction]
"""A frame, (H, W) grey or (H, W, 3) RGB, to its answer."""
