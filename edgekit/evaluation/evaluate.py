"""Evaluate any predictor on any dataset."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.data.contract import Dataset, Mask, Sample
from edgekit.evaluation.confusion import ConfusionMatrix, PixelMetrics
from edgekit.evaluation.predictors import Predict
from edgekit.reporting import Reporter
from edgekit_runtime.errors import DatasetError, FrameError


def require_classes(classes: Sequence[str], dataset: Dataset) -> None:
    """Refuse a dataset of other classes than the network's.

    Raises:
        DatasetError: If their number differs; names may.
    """
    if len(classes) != len(dataset.classes):
        raise DatasetError(
            f"{dataset.name} has the classes {', '.join(dataset.classes)}; "
            f"the network answers {', '.join(classes)}.",
            remedy="Name data with the network's classes, or a model with those of the data.",
        )


def evaluate_masks(predict: Predict, dataset: Dataset, *, reporter: Reporter) -> PixelMetrics:
    """Return mIoU and mAcc, pooled over every pixel of the dataset."""
    matrix = ConfusionMatrix(dataset.classes)
    with reporter.progress(f"evaluating on {dataset.name}", len(dataset)) as advance:
        for index in range(len(dataset)):
            sample = dataset.load(index)
            matrix.add(sample.known_mask, _predict(predict, sample))
            advance()
    return matrix.metrics()


def _predict(predict: Predict, sample: Sample) -> Mask:
    try:
        return predict(sample.image)
    except FrameError as error:
        raise FrameError(f"{sample.name}: {error.message}", remedy=error.remedy) from error
