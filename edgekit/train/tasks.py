"""What a network learns: masks or classes. The engine knows no more of a task than this interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from edgekit.data.contract import Dataset
from edgekit.evaluation.confusion import ConfusionMatrix
from edgekit.evaluation.evaluate import require_classes
from edgekit.models import ModelSpec
from edgekit.train.batches import Batch, BatchForm
from edgekit.train.losses import CLASSIFYING, SEGMENTING, Weights, binary_cross_entropy, cross_entropy
from edgekit.train.recipe import Objective
from edgekit.train.sample_store import SampleStore
from edgekit_runtime.errors import DatasetError, UsageProblem
from edgekit_runtime.masks import mask_of
from edgekit_runtime.padding import crop_back


class Meter(ABC):
    """Collects a network's answers over a part and gives the figures of the whole."""

    @abstractmethod
    def add(self, outputs: torch.Tensor, batch: Batch) -> None:
        """Count the answers of one batch."""

    @abstractmethod
    def metrics(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; None where one has no value."""


class TrainingTask(ABC):
    """What is learnt from a dataset.

    Attributes:
        classes: Names by mask value, or by the classifier's output.
        normal_class: The one that means no defect; None where there is none.
        form: What batches must look like.
        score_name: The metric by which the best epoch is chosen; larger is better.
        shown: Names of the metrics that a person is shown, the deciding one first.
    """

    classes: tuple[str, ...]
    normal_class: str | None
    form: BatchForm
    score_name: str
    shown: tuple[str, ...]

    @abstractmethod
    def prepare(self, store: SampleStore) -> None:
        """Look at the training part once, before the first step.

        Raises:
            DatasetError: If nothing can be learnt from it.
        """

    @abstractmethod
    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the scalar to minimise."""

    @abstractmethod
    def distance(self, student: torch.Tensor, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return how far the student's answers are from the teacher's, both divided by the temperature."""

    @abstractmethod
    def meter(self) -> Meter:
        """Return an empty meter."""


class Segmentation(TrainingTask):
    """One logit per pixel: defect or background."""

    score_name = "miou"
    shown = ("miou", "macc")

    def __init__(self, spec: ModelSpec, dataset: Dataset, objective: Objective) -> None:
        require_classes(spec.classes, dataset)
        _require_loss(objective, SEGMENTING, spec)
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
        _require_every_class(np.asarray(counts), self.classes, store.name)
        if self._objective.class_weights == "balanced":
            self._class_weights = _balance(np.asarray(counts))

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

    def meter(self) -> Meter:
        """Return a pooled confusion matrix."""
        return _MaskMeter(self.classes)

    def _truth(self, batch: Batch, device: torch.device) -> tuple[torch.Tensor, Weights]:
        truth = batch.truth.to(device)
        weights = None if batch.counts is None else batch.counts.to(device)
        if self._class_weights is None:
            return truth, weights
        each = self._class_weights.to(device)[truth.long()]
        return truth, each if weights is None else each * weights


class Classification(TrainingTask):
    """One class per image."""

    score_name = "macc"
    shown = ("macc", "accuracy")

    def __init__(self, spec: ModelSpec, dataset: Dataset, objective: Objective) -> None:
        _require_loss(objective, CLASSIFYING, spec)
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
        _require_every_class(counts, self.classes, store.name)
        if self._objective.class_weights == "balanced":
            self._class_weights = _balance(counts)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the weighted cross-entropy."""
        weights = None if self._class_weights is None else self._class_weights.to(outputs.device)
        truth = batch.truth.to(outputs.device)
        return cross_entropy(outputs, truth, class_weights=weights)

    def distance(self, student: torch.Tensor, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: ARG002
        """Return the cross-entropy of the teacher's probabilities."""
        return torch.nn.functional.cross_entropy(student, teacher.softmax(dim=1))

    def meter(self) -> Meter:
        """Return a pooled confusion matrix."""
        return _ClassMeter(self.classes)


class _MaskMeter(Meter):
    def __init__(self, classes: Sequence[str]) -> None:
        self._matrix = ConfusionMatrix(classes)

    def add(self, outputs: torch.Tensor, batch: Batch) -> None:
        masks = mask_of(outputs.float().cpu().numpy(), 0.0)
        for mask, truth, size in zip(masks, batch.truth.numpy(), batch.sizes, strict=True):
            self._matrix.add(crop_back(truth, *size), crop_back(mask, *size))

    def metrics(self) -> dict[str, Any]:
        found = self._matrix.metrics().to_dict()
        return {key: found[key] for key in ("miou", "macc", "iou", "images")}


class _ClassMeter(Meter):
    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._counts = np.zeros((len(classes), len(classes)), np.int64)

    def add(self, outputs: torch.Tensor, batch: Batch) -> None:
        np.add.at(self._counts, (batch.truth.numpy(), outputs.argmax(dim=1).cpu().numpy()), 1)

    def metrics(self) -> dict[str, Any]:
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


def make_task(spec: ModelSpec, dataset: Dataset, objective: Objective) -> TrainingTask:
    """Return the task of a model on a dataset that `view_for` returned.

    Raises:
        DatasetError: If the dataset's classes are not the network's.
        UsageProblem: If the loss is not one of the task.
    """
    made = Segmentation if spec.task == "segment" else Classification
    return made(spec, dataset, objective)


def _require_loss(objective: Objective, losses: Any, spec: ModelSpec) -> None:
    if objective.name not in losses:
        raise UsageProblem(
            f"{spec.name} does not learn by {objective.name!r}; choose from {', '.join(losses)}."
        )


def _require_every_class(counts: npt.NDArray[np.int64], classes: Sequence[str], where: str) -> None:
    absent = [name for name, count in zip(classes, counts, strict=True) if not count]
    if absent:
        raise DatasetError(
            f"{where} shows no {', '.join(absent)}: nothing can be learnt about it.",
            remedy="Add such images; with few of them, another --seed may put some into the training part.",
        )


def _balance(counts: npt.NDArray[np.int64]) -> torch.Tensor:
    inverse = counts.sum() / counts
    return torch.tensor(inverse / (inverse * counts).sum() * counts.sum(), dtype=torch.float32)
