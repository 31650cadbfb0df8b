"""What a network learns: masks, classes, or classes at every exit. The engine knows no more of a task than this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from edgekit.models import ModelSpec
from edgekit.train.batches import Batch, BatchForm
from edgekit.train.losses import Loss
from edgekit.train.outputs import Outputs
from edgekit.train.recipe import Objective
from edgekit.train.sample_store import SampleStore
from edgekit_runtime.errors import DatasetError, UsageProblem

Answers = TypeVar("Answers", bound=Outputs)
"""What the networks of a task answer for a batch."""


class Meter(ABC, Generic[Answers]):
    """Collects a network's answers over a part and gives the figures of the whole."""

    @abstractmethod
    def add(self, outputs: Answers, batch: Batch) -> None:
        """Count the answers of one batch."""

    @abstractmethod
    def metrics(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; None where one has no value."""


class TrainingTask(ABC, Generic[Answers]):
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
    def loss(self, outputs: Answers, batch: Batch) -> torch.Tensor:
        """Return the scalar to minimise."""

    @abstractmethod
    def distance(self, student: Answers, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return how far the student's answers are from the teacher's.

        Args:
            student: What the network answers, divided by the temperature.
            teacher: Logits of one answer, divided by the temperature: a teacher with exits teaches by its last.
            batch: What was asked.
        """

    @abstractmethod
    def meter(self) -> Meter[Answers]:
        """Return an empty meter."""


def require_loss(objective: Objective, losses: Mapping[str, Loss], spec: ModelSpec) -> None:
    """Refuse a loss that is not one of the task's.

    Raises:
        UsageProblem: Naming those that are.
    """
    if objective.name not in losses:
        raise UsageProblem(
            f"{spec.name} does not learn by {objective.name!r}; choose from {', '.join(losses)}."
        )


def require_every_class(counts: npt.NDArray[np.int64], classes: Sequence[str], where: str) -> None:
    """Refuse data that do not show every class.

    Raises:
        DatasetError: Naming those that are absent.
    """
    absent = [name for name, count in zip(classes, counts, strict=True) if not count]
    if absent:
        raise DatasetError(
            f"{where} shows no {', '.join(absent)}: nothing can be learnt about it.",
            remedy="Add such images; with few of them, another --seed may put some into the training part.",
        )


def balance(counts: npt.NDArray[np.int64]) -> torch.Tensor:
    """Return weights of the classes, inverse to their counts, 1 on average over what was counted."""
    inverse = counts.sum() / counts
    return torch.tensor(inverse / (inverse * counts).sum() * counts.sum(), dtype=torch.float32)
