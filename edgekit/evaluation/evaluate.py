"""Evaluate any predictor on any dataset."""

from __future__ import annotations

from edgekit.data.contract import Dataset
from edgekit.evaluation.confusion import ConfusionMatrix, PixelMetrics
from edgekit.evaluation.predictors import Predict
from edgekit.reporting import Reporter


def evaluate_masks(predict: Predict, dataset: Dataset, *, reporter: Reporter) -> PixelMetrics:
    """Return mIoU and mAcc, pooled over every pixel of the dataset."""
    matrix = ConfusionMatrix(len(dataset.classes))
    with reporter.progress(f"evaluating on {dataset.name}", len(dataset)) as advance:
        for index in range(len(dataset)):
            sample = dataset.load(index)
            matrix.add(sample.mask, predict(sample.image))
            advance()
    return matrix.metrics()
