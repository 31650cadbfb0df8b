"""Frame in, prediction out: the one interface through which checkpoints and bundles are evaluated alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgekit.evaluation.early_exits import ExitPoint, read_exits
from edgekit.evaluation.prediction import Predict, Prediction
from edgekit.media.images import order_channels
from edgekit.models.spec import Task
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.detector import Detector
from edgekit_runtime.exits import confidence, gate_rows
from edgekit_runtime.masks import mask_of
from edgekit_runtime.padding import crop_back, pad_frame, padded_size
from edgekit_runtime.pixels import Frame, convert_frame, widen

if TYPE_CHECKING:
    from torch import nn

    from edgekit_export.exportable import Normalisation


def predict_with_detector(detector: Detector, *, every_exit: bool = False) -> Predict:
    """Return a predictor that runs a bundle; it takes the frames that the bundle takes and gives no logits.

    Args:
        detector: READY.
        every_exit: Whether each frame goes through all early exits of a bundle that has them, so that its answer also
            tells what each of them says. Which one answers is the same.
    """
    pixels = detector.manifest.input.pixels
    exits = read_exits(detector.manifest)

    def predict(frame: Frame) -> Prediction:
        fitted = order_channels(fit_frame(frame, pixels), pixels.channels)
        if exits is not None and every_exit:
            return _gate(detector.find_probabilities(fitted[None])[0], exits.points, every_exit=True)
        result = detector(fitted)
        if result.probabilities is None:
            return Prediction(mask=result.mask)
        return Prediction(
            probabilities=np.array(list(result.probabilities.values()), np.float32),
            exit=None if exits is None else result.exit,
            low_confidence=exits is not None and result.low_confidence,
        )

    return predict


def predict_with_network(
    network: nn.Module,
    normalisation: Normalisation,
    *,
    multiple: int,
    pixels: PixelFormat = PixelFormat(),  # noqa: B008
    task: Task = "segment",
    threshold: float = 0.0,
    exits: Sequence[ExitPoint] = (),
    every_exit: bool = False,
) -> Predict:
    """Return a predictor that runs a torch network on the CPU; it takes frames of any size.

    Frames are padded to what the network admits and the answer is cropped back. Logits become a mask as in the
    runtime, those of a classifier probabilities by the softmax.

    Args:
        network: Takes float32 (1, channels, H, W); put into eval mode here. It answers logits: (1, K, H, W) where it
            segments, (1, classes) where it classifies.
        normalisation: What the network expects of its input.
        multiple: Height and width must be multiples of this, in pixels.
        pixels: What its frames are; where they are in colour, grey ones are repeated.
        task: What the network answers.
        threshold: Logit from which a pixel is a defect.
        exits: Of a network that answers a tuple, the logits of each exit; the first that is confident enough answers,
            as in the runtime.
        every_exit: Whether the answer also tells what each exit says.

    Returns:
        A predictor that raises FrameError for frames that are not what `pixels` say.
    """
    import torch

    from edgekit.models.normalising import normalise

    network.eval()

    def run(frame: Frame) -> tuple[torch.Tensor, ...]:
        height, width = frame.shape[:2]
        fitted = widen(fit_frame(frame, pixels), pixels)
        padded = pad_frame(fitted, padded_size(height, width, multiple))
        with torch.no_grad():
            # A copy: the dataset's arrays may be read-only, which torch does not know.
            outputs = network(normalise(torch.from_numpy(np.array(padded))[None], normalisation))
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def segment(frame: Frame) -> Prediction:
        logits = crop_back(run(frame)[0].numpy(), frame.shape[0], frame.shape[1])
        return Prediction(mask_of(logits, threshold)[0], logits[0, 0] if logits.shape[1] == 1 else None)

    def classify(frame: Frame) -> Prediction:
        answers = np.stack([torch.softmax(logits[0], dim=0).numpy() for logits in run(frame)])
        if len(answers) == 1 and not exits:
            return Prediction(probabilities=answers[0])
        return _gate(answers, exits, every_exit=every_exit)

    return segment if task == "segment" else classify


def _gate(
    probabilities: npt.NDArray[np.float32], points: Sequence[ExitPoint], *, every_exit: bool
) -> Prediction:
    """Return the answer of one frame that went through every exit, float32 (exits, classes)."""
    gated = gate_rows(confidence(probabilities)[None], [point.threshold for point in points])
    place = int(gated.places[0])
    return Prediction(
        probabilities=probabilities[place],
        exit=points[place].number,
        low_confidence=bool(gated.low_confidence[0]),
        exit_probabilities=probabilities if every_exit else None,
    )


def fit_frame(frame: Frame, pixels: PixelFormat) -> Frame:
    """Return a frame of a file as a network takes it: converted by its `pixels`, repeated where that is for colours.

    Raises:
        FrameError: If the frame has another depth, or is in colour where nothing says how that becomes grey.
    """
    if frame.ndim == 2 and pixels.channels != "grey":
        frame = np.repeat(frame[:, :, None], 3, axis=2)
    return convert_frame(frame, pixels, "The image")
