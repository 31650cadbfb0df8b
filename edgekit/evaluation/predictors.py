"""Frame in, prediction out: the one interface through which checkpoints and bundles are evaluated alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.evaluation.prediction import Frame, Predict, Prediction
from edgekit.media.images import order_channels
from edgekit.models.spec import Task
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import FrameError
from edgekit_runtime.masks import mask_of
from edgekit_runtime.padding import crop_back, pad_frame, padded_size

if TYPE_CHECKING:
    from torch import nn

    from edgekit_export.exportable import Normalisation

GREY, COLOUR = 1, 3


def predict_with_detector(detector: Detector) -> Predict:
    """Return a predictor that runs a bundle; it takes the frames that the bundle takes and gives no logits."""
    channels = detector.manifest.input.pixels.channels

    def predict(frame: Frame) -> Prediction:
        # Grey frames for a grey bundle pass as they are: what does not fit is refused by the bundle's contract.
        fitted = frame if channels == "grey" else order_channels(fit_channels(frame, COLOUR), channels)
        result = detector(fitted)
        if result.probabilities is None:
            return Prediction(mask=result.mask)
        return Prediction(probabilities=np.array(list(result.probabilities.values()), np.float32))

    return predict


def predict_with_network(
    network: nn.Module,
    normalisation: Normalisation,
    *,
    multiple: int,
    channels: int = GREY,
    task: Task = "segment",
    threshold: float = 0.0,
) -> Predict:
    """Return a predictor that runs a torch network on the CPU; it takes frames of any size.

    Frames are padded to what the network admits and the answer is cropped back. Logits become a mask as in the
    runtime, those of a classifier probabilities by the softmax.

    Args:
        network: Takes float32 (1, channels, H, W); put into eval mode here. It answers logits: (1, K, H, W) where it
            segments, (1, classes) where it classifies.
        normalisation: What the network expects of its input.
        multiple: Height and width must be multiples of this, in pixels.
        channels: 1 takes grey frames; 3 takes colour frames, and repeats grey ones.
        task: What the network answers.
        threshold: Logit from which a pixel is a defect.

    Returns:
        A predictor that raises FrameError for colour frames where the network takes grey ones.
    """
    import torch

    from edgekit.models.normalising import normalise

    network.eval()

    def run(frame: Frame) -> torch.Tensor:
        height, width = frame.shape[:2]
        padded = pad_frame(fit_channels(frame, channels), padded_size(height, width, multiple))
        with torch.no_grad():
            # A copy: the dataset's arrays may be read-only, which torch does not know.
            logits: torch.Tensor = network(normalise(torch.from_numpy(np.array(padded))[None], normalisation))
        return logits

    def segment(frame: Frame) -> Prediction:
        logits = crop_back(run(frame).numpy(), frame.shape[0], frame.shape[1])
        return Prediction(mask_of(logits, threshold)[0], logits[0, 0] if logits.shape[1] == 1 else None)

    def classify(frame: Frame) -> Prediction:
        return Prediction(probabilities=torch.softmax(run(frame)[0], dim=0).numpy())

    return segment if task == "segment" else classify


def fit_channels(frame: Frame, channels: int) -> Frame:
    """Return a frame with the network's number of channels: a grey one repeated for a colour network, else as it is.

    Raises:
        FrameError: If the frame is in colour and the network takes grey.
    """
    if frame.ndim == 2:
        return frame if channels == GREY else np.repeat(frame[:, :, None], channels, axis=2)
    if channels == GREY:
        raise FrameError(
            f"The image is in colour, {frame.shape}; the network takes grey (height, width).",
            remedy="Convert the images to grey, or train a network that takes colour.",
        )
    return frame
