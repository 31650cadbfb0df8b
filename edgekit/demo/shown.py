"""One image of the demonstration: what is in it, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime import Result


@dataclass(frozen=True, eq=False)
class DemoImage:
    """One generated image, what is in it, and what was found."""

    name: str
    frame: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    result: Result
    picture: npt.NDArray[np.uint8]

    @property
    def iou(self) -> float | None:
        """Overlap of the found and the true defect; None where there is no defect."""
        assert self.result.mask is not None
        found, true = self.result.mask > 0, self.truth > 0
        return float((found & true).sum() / (found | true).sum()) if true.any() else None
