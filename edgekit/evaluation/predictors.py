"""Frame in, mask out: the one interface through which checkpoints and bundles are evaluated alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.masks import mask_of

if TYPE_CHECKING:
    from torch import nn

    from edgekit_export.exportable import Normalisation

Mask = npt.NDArray[np.uint8]
Predict = Callable[[npt.NDArray[np.uint8]], Mask]
"""uint8 (H, W) or (H, W, 3) → class indices, uint8 (H, W)."""


def predict_with_detector(detector: Detector) -> Predict:
    """Return a predictor that runs a bundle.

    Raises:
        UsageProblem: If the bundle classifies and gives no mask.
    """

    def predict(frame: npt.NDArray[np.uint8]) -> Mask:
        mask = detector(frame).mask
        if mask is None:
            raise UsageProblem("The bundle classifies whole images; a mask metric needs a segmenting one.")
        return mask

    return predict


def predict_with_network(
    network: nn.Module, normalisation: Normalisation, *, multiple: int, threshold: float = 0.0
) -> Predict:
    """Return a predictor that runs a torch network; its logits become a mask as in the runtime.

    The predictor raises FrameError for images whose sides are no multiples of `multiple`.
    """
    import torch

    from edgekit.models.normalising import normalise

    network.eval()

    def predict(frame: npt.NDArray[np.uint8]) -> Mask:
        height, width = frame.shape[:2]
        if height % multiple or width % multiple:
            raise FrameError(
                f"An image has {height}×{width} pixels (height × width); the network needs multiples of {multiple}.",
                remedy="Crop or pad the images and masks.",
            )
        with torch.no_grad():
            # A copy: the dataset's arrays may be read-only, which torch does not know.
            logits = network(normalise(torch.from_numpy(np.array(frame))[None], normalisation))
        mask: Mask = mask_of(logits.numpy(), threshold)[0]
        return mask

    return predict
