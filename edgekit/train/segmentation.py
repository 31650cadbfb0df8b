"""Learning masks: one logit per pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from edgekit.data.contract import Dataset
from edgekit.evaluation.confusion import ConfusionMatrix
from edgekit.evaluation.evaluate import require_classes
from edgekit.models import ModelSpec
from edgekit.train.batches import Batch, BatchForm
from edgekit.train.losses import SEGMENTING, Weights, binary_cross_entropy
from edgekit.train.recipe import Objective
from edgekit.train.sample_store import SampleStore
from edgekit.train.tasks import Meter, TrainingTask, balance, require_every_class, require_loss
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.masks import mask_of
from edgekit_runtime.padding import crop_back


class Segmentation(TrainingTask[torch.Tensor]):
    """One logit per pixel: defect or background."""

    score_name = "miou"
    shown = ("miou", "macc")

    def __init__(self, spec: ModelSpec, dataset: Dataset, objective: Objective) -> None:
        require_classes(spec.classes, dataset)
        require_loss(objective, SEGMENTING, spec)
        if objective.name != "bce" and (objective.positive_weight, objective.class_weights) != (1.0, "none"):
            raise UsageProblem(
                f"The loss {objective.name!r} takes no weights; only bce does.",
                remedy="Add --loss bce, or leave --positive-weight and --class-weights out.",
            )
        self.classes = dataset.classes
        self.normal_class = dataset.classes[0]
        self.form = BatchForm(spec.multiple, labels=False)
        self._objective = objective
        self._class_weights: torch.Tensor | None = None

    def prepare(self, store: SampleStore) -> None:
        """Count the pixels of each class."""
        counts = sum(np.bincount(mask.reshape(-1), minlength=len(self.classes)) for mask in store.masks())
        require_every_class(np.asarray(counts), self.classes, store.name)
        if self._objective.class_weights == "balanced":
            self._class_weights = balance(np.asarray(counts))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the objective over the pixels that are not padding."""
        truth, weights = self._truth(batch, outputs.device)
        if self._objective.name == "bce":
            heavier = self._objective.positive_weight
            return binary_cross_entropy(outputs, truth, weights, positive_weight=heavier)
        return SEGMENTING[self._objective.name](outputs, truth, weights)

    def distance(self, student: torch.Tensor, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the binary cross-entropy of the teacher's probabilities."""
        counts = None if batch.counts is None else batch.counts.to(student.device)
        return binary_cross_entropy(student, torch.sigmoid(teacher).squeeze(1), counts)

    def meter(self) -> Meter[torch.Tensor]:
        """Return a pooled confusion matrix."""
        return _MaskMeter(self.classes)

    def _truth(self, batch: Batch, device: torch.device) -> tuple[torch.Tensor, Weights]:
        truth = batch.truth.to(device)
        weights = None if batch.counts is None else batch.counts.to(device)
        if self._class_weights is None:
            return truth, weights
        each = self._class_weights.to(device)[truth.long()]
        return truth, each if weights is None else each * weights


class _MaskMeter(Meter[torch.Tensor]):
    def __init__(self, classes: Sequence[str]) -> None:
        self._matrix = ConfusionMatrix(classes)

    def add(self, outputs: torch.Tensor, batch: Batch) -> None:
        masks = mask_of(outputs.float().cpu().numpy(), 0.0)
        for mask, truth, size in zip(masks, batch.truth.numpy(), batch.sizes, strict=True):
            self._matrix.add(crop_back(truth, *size), crop_back(mask, *size))

    def metrics(self) -> dict[str, Any]:
        found = self._matrix.metrics().to_dict()
        return {key: found[key] for key in ("miou", "macc", "iou", "images")}
