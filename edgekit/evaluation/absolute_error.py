"""Mean absolute error of the defect map, as U-BiNet reports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.prediction import Prediction

Basis = Literal["probabilities", "masks"]


@dataclass(frozen=True)
class AbsoluteError:
    """Σ |p − g| over pixels, with g = 1 on defects of any kind and 0 elsewhere.

    Attributes:
        total: The sum.
        pixels: Over so many pixels.
        basis: What p is: "probabilities", the sigmoid of the logits, or "masks", 1 where a defect was found. The two
            are different figures: a network of p = 0.4 everywhere has 0.4 by the one and 0 by the other where no
            defect is.
    """

    total: float
    pixels: int
    basis: Basis

    @property
    def mean(self) -> float | None:
        """Σ |p − g| / pixels, from 0 to 1; None where there is no pixel."""
        return self.total / self.pixels if self.pixels else None


def measure_error(truth: npt.NDArray[np.uint8], prediction: Prediction) -> AbsoluteError:
    """Return the error of one frame, of its probabilities where logits are known, else of its mask.

    Args:
        truth: uint8 (H, W), 0 the background.
        prediction: A mask, and logits where the target gives them.
    """
    defect = truth > 0
    if prediction.logits is None:
        assert prediction.mask is not None
        return AbsoluteError(float(np.count_nonzero((prediction.mask > 0) != defect)), truth.size, "masks")
    total = float(np.abs(sigmoid(prediction.logits) - defect).sum())
    return AbsoluteError(total, truth.size, "probabilities")


def pool_errors(errors: Iterable[AbsoluteError]) -> AbsoluteError:
    """Return the error over all pixels of several frames; without a frame, that of masks of no pixel."""
    known = tuple(errors)
    basis: Basis = "masks" if any(error.basis == "masks" for error in known) or not known else "probabilities"
    return AbsoluteError(sum(error.total for error in known), sum(error.pixels for error in known), basis)


def sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return 1 / (1 + e^−x) in float64 without overflow; NaN counts as a defect, as in masks."""
    probabilities = 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))
    return np.where(np.isnan(probabilities), 1.0, probabilities)
