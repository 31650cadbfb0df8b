"""Learning classes: one logit per class and image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from edgekit.data.contract import Dataset
from edgekit.models import ModelSpec
from edgekit.train.batches import Batch, BatchForm
from edgekit.train.losses import CLASSIFYING, cross_entropy
from edgekit.train.recipe import Objective
from edgekit.train.sample_store import SampleStore
from edgekit.train.tasks import Answers, Meter, TrainingTask, balance, require_every_class, require_loss
from edgekit_runtime.errors import UsageProblem


class ClassTask(TrainingTask[Answers]):
    """One class per image, however often a network answers."""

    score_name = "macc"
    shown = ("macc", "accuracy")

    def __init__(self, spec: ModelSpec, dataset: Dataset, objective: Objective) -> None:
        require_loss(objective, CLASSIFYING, spec)
        if objective.positive_weight != 1.0:
            raise UsageProblem(
                f"{spec.name} classifies: no pixel of it counts more than another.",
                remedy="Leave --positive-weight out; --class-weights balanced weighs classes.",
            )
        self.classes = dataset.labels
        self.normal_class = dataset.normal_label
        self.form = BatchForm(spec.multiple, labels=True)
        self._objective = objective
        self._class_weights: torch.Tensor | None = None

    def prepare(self, store: SampleStore) -> None:
        """Count the images of each class."""
        counts = np.bincount(store.labels(), minlength=len(self.classes))
        require_every_class(counts, self.classes, store.name)
        if self._objective.class_weights == "balanced":
            self._class_weights = balance(counts)


class Classification(ClassTask[torch.Tensor]):
    """One answer per image."""

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the weighted cross-entropy."""
        weights = None if self._class_weights is None else self._class_weights.to(outputs.device)
        truth = batch.truth.to(outputs.device)
        return cross_entropy(outputs, truth, class_weights=weights)

    def distance(self, student: torch.Tensor, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: ARG002
        """Return the cross-entropy of the teacher's probabilities."""
        return torch.nn.functional.cross_entropy(student, teacher.softmax(dim=1))

    def meter(self) -> Meter[torch.Tensor]:
        """Return a pooled confusion matrix."""
        return ClassMeter(self.classes)


class ClassMeter(Meter[torch.Tensor]):
    """A confusion matrix of images."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._counts = np.zeros((len(classes), len(classes)), np.int64)

    def add(self, outputs: torch.Tensor, batch: Batch) -> None:
        """Count the answers of one batch, logits (N, classes)."""
        np.add.at(self._counts, (batch.truth.numpy(), outputs.argmax(dim=1).cpu().numpy()), 1)

    def metrics(self) -> dict[str, Any]:
        """Return accuracy, mean recall ("macc"), recall per class, and how many images were counted."""
        hits, shown = np.diag(self._counts), self._counts.sum(axis=1)
        recall = {
            name: float(hit / count) if count else None
            for name, hit, count in zip(self._classes, hits, shown, strict=True)
        }
        known = [value for value in recall.values() if value is not None]
        images = int(shown.sum())
        return {
            "accuracy": float(hits.sum() / images) if images else None,
            "macc": float(np.mean(known)) if known else None,
            "recall": recall,
            "images": images,
        }
