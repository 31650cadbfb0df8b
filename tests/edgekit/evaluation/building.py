"""Datasets in memory and predictors that answer what a test tells them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.data.contract import Dataset, Item, Sample, digest_parts
from edgekit.evaluation.prediction import Frame, Predict, Prediction


class InMemory(Dataset):
    """Samples as they are given; each is a group of its own unless groups are named."""

    classes = ("background", "defect")

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        classes: tuple[str, ...] = classes,
        groups: Sequence[str] | None = None,
        defective: Sequence[bool | None] | None = None,
        labels: tuple[str, ...] = (),
        label_of: Sequence[int | None] | None = None,
        normal_label: str | None = None,
    ) -> None:
        self.name = "in memory"
        self.classes = classes
        self.labels = labels
        self.normal_label = normal_label
        self._samples = list(samples)
        names = [sample.name for sample in samples]
        nothing = [None] * len(names)
        self.items = tuple(
            Item(name, group, "all", shown, label)
            for name, group, shown, label in zip(
                names, groups or names, defective or nothing, label_of or nothing, strict=True
            )
        )

    def load(self, index: int) -> Sample:
        return self._samples[index]

    def digest(self, index: int) -> str:
        return digest_parts(self._samples[index].name)


def make_sample(name: str, mask: object, *kinds: str) -> Sample:
    """Return a sample whose image is its mask, so that a predictor can answer from it."""
    array = np.array(mask, np.uint8)
    return Sample(name, array, array, kinds)


def answer_in_turn(predictions: Sequence[Prediction]) -> Predict:
    """Return a predictor that gives the predictions one after the other."""
    left = iter(predictions)

    def predict(frame: Frame) -> Prediction:
        return next(left)

    return predict


def answer_masks(*masks: object) -> Predict:
    """Return a predictor that gives the masks one after the other."""
    return answer_in_turn([Prediction(mask=np.array(mask, np.uint8)) for mask in masks])


def answer_logits(*logits: object) -> Predict:
    """Return a predictor that gives logits and their masks one after the other."""
    arrays = [np.array(logit, np.float32) for logit in logits]
    return answer_in_turn([Prediction((~(array < 0)).astype(np.uint8), array) for array in arrays])


def answer_probabilities(*rows: Sequence[float]) -> Predict:
    """Return a predictor that gives the probabilities one after the other."""
    return answer_in_turn([Prediction(probabilities=np.array(row, np.float32)) for row in rows])
