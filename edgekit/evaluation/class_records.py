"""What one image adds to every figure of a classifying target: judged once, pooled in any way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Item, Sample
from edgekit.evaluation.early_exits import EarlyExits
from edgekit.evaluation.image_level import JudgedImage
from edgekit.evaluation.prediction import Prediction
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True, eq=False)
class ClassAnswer:
    """What was answered for one image, by the network or by one exit of it.

    Attributes:
        predicted: Index of the class that was answered; None where the probabilities are not finite, which is wrong
            whatever the truth, and a rejection, as in the runtime.
        confidence: The largest probability; None where they are not finite.
        judged: The image as defective or not; None where no class is the normal one.
    """

    predicted: int | None
    confidence: float | None
    judged: JudgedImage | None


@dataclass(frozen=True, eq=False)
class ClassRecord:
    """One image's share of the figures.

    Attributes:
        name: The item's name.
        group: The item's group.
        kinds: Which kinds of defect it shows, where they have names.
        truth: Index of its class.
        answer: What the network answered.
        ms: Milliseconds that the answer took.
        exit: Number of the exit that answered, from 1; None without early exits.
        low_confidence: Whether the last exit answered below its own threshold.
        macs: Multiply-accumulates up to each exit for a frame of its size; () without early exits.
        alone: What each exit says, whether it was asked or not; () unless that was wanted.
    """

    name: str
    group: str
    kinds: tuple[str, ...]
    truth: int
    answer: ClassAnswer
    ms: float
    exit: int | None = None
    low_confidence: bool = False
    macs: tuple[int, ...] = ()
    alone: tuple[ClassAnswer, ...] = ()

    @property
    def predicted(self) -> int | None:
        """Index of the class that the network answered; None where its probabilities are not finite."""
        return self.answer.predicted

    @property
    def judged(self) -> JudgedImage | None:
        """The image as defective or not; None where no class is the normal one."""
        return self.answer.judged


def record_class(
    item: Item,
    sample: Sample,
    prediction: Prediction,
    *,
    truth: int,
    normal: int | None,
    exits: EarlyExits | None,
    ms: float,
) -> ClassRecord:
    """Compare an answer with the truth.

    Args:
        item: The image's entry.
        sample: The image.
        prediction: The answer.
        truth: Index of its class.
        normal: Index of the class that means no defect; None where there is none.
        exits: The network's early exits; None where it has none.
        ms: Milliseconds that the answer took.

    Raises:
        UsageProblem: If the answer has no probabilities, or does not say which of the exits gave it.
    """
    if prediction.probabilities is None:
        raise UsageProblem("The target segments; figures of classes need a target that classifies.")
    if exits is not None and prediction.exit not in {point.number for point in exits.points}:
        raise UsageProblem(f"The answer comes from exit {prediction.exit}; the network has no such exit.")
    height, width = sample.image.shape[:2]
    alone: Sequence[npt.NDArray[np.float32]] = ()
    if prediction.exit_probabilities is not None:
        alone = tuple(prediction.exit_probabilities)
    return ClassRecord(
        name=sample.name,
        group=item.group,
        kinds=sample.kinds,
        truth=truth,
        answer=_judge(prediction.probabilities, truth, normal, height),
        ms=ms,
        exit=prediction.exit,
        low_confidence=prediction.low_confidence,
        macs=() if exits is None else tuple(exits.count_macs(height, width)),
        alone=tuple(_judge(probabilities, truth, normal, height) for probabilities in alone),
    )


def _judge(
    probabilities: npt.NDArray[np.float32], truth: int, normal: int | None, height_px: int
) -> ClassAnswer:
    # A network that fails must neither pass a part nor be right by chance.
    usable = bool(np.isfinite(probabilities).all())
    predicted = int(probabilities.argmax()) if usable else None
    judged = None
    if normal is not None:
        others = np.delete(probabilities.astype(np.float64), normal).sum()
        judged = JudgedImage(
            defective=truth != normal,
            flagged=predicted != normal,
            score=float(others) if usable else math.inf,
            height_px=height_px,
        )
    return ClassAnswer(predicted, float(probabilities.max()) if usable else None, judged)
