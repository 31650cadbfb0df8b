"""Learning classes at every exit of a network that may answer early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from edgekit.data.contract import Dataset
from edgekit.models import ModelSpec
from edgekit.train.batches import Batch
from edgekit.train.classification import ClassMeter, ClassTask
from edgekit.train.recipe import ExitWeights, Objective
from edgekit.train.tasks import Meter
from edgekit_runtime.errors import UsageProblem

ExitLogits = tuple[torch.Tensor, ...]
"""Logits (N, classes) of every exit, in order."""


class ExitClassification(ClassTask[ExitLogits]):
    """One class per image, answered at every exit.

    L = −(1/N) Σ_n Σ_i w_i(y_n) log p_i[n, y_n] over images n and exits i (DI-Net, section 3), where w_i differs for
    normal and defective images. An exit whose two weights are 0 is left out altogether. Where no class is the normal
    one, every image counts as defective. Class weights weigh the mean over the images.
    """

    def __init__(self, spec: ModelSpec, dataset: Dataset, objective: Objective) -> None:
        super().__init__(spec, dataset, objective)
        self._exit_weights = _choose_weights(spec, objective)
        self._weighed = tuple(np.flatnonzero(self._exit_weights.any(dim=0)).tolist())
        normal = self.normal_class
        self._normal = None if normal is None else self.classes.index(normal)

    def loss(self, outputs: ExitLogits, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy, weighted by exit, kind of image, and class."""
        truth = batch.truth.to(outputs[0].device)
        each = [F.cross_entropy(outputs[exit_], truth, reduction="none") for exit_ in self._weighed]
        return self._weigh(each, truth)

    def distance(self, student: ExitLogits, teacher: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy of the teacher's probabilities, weighted as the loss is."""
        wanted = teacher.softmax(dim=1)
        each = [F.cross_entropy(student[exit_], wanted, reduction="none") for exit_ in self._weighed]
        return self._weigh(each, batch.truth.to(teacher.device))

    def meter(self) -> Meter[ExitLogits]:
        """Return a pooled confusion matrix per exit."""
        return _ExitMeter(self.classes, exits=self._exit_weights.shape[1], weighed=self._weighed)

    def _weigh(self, each: Sequence[torch.Tensor], truth: torch.Tensor) -> torch.Tensor:
        """Return the mean over the images of the weighted sum over the exits that count.

        Args:
            each: One loss per image, float (N,), for every exit that counts.
            truth: Classes, int64 (N,).
        """
        defective = torch.ones_like(truth) if self._normal is None else (truth != self._normal).long()
        weights = self._exit_weights.to(truth.device)[:, self._weighed]
        summed = (torch.stack(tuple(each), dim=1) * weights[defective]).sum(dim=1)
        if self._class_weights is None:
            return summed.mean()
        counts = self._class_weights.to(truth.device)[truth]
        return (summed * counts).sum() / counts.sum()


class _ExitMeter(Meter[ExitLogits]):
    """Figures of every exit, and their means over those that count."""

    def __init__(self, classes: Sequence[str], *, exits: int, weighed: Sequence[int]) -> None:
        self._meters = [ClassMeter(classes) for _ in range(exits)]
        self._weighed = tuple(weighed)

    def add(self, outputs: ExitLogits, batch: Batch) -> None:
        for meter, logits in zip(self._meters, outputs, strict=True):
            meter.add(logits, batch)

    def metrics(self) -> dict[str, Any]:
        every = [meter.metrics() for meter in self._meters]
        images = every[0].pop("images")
        for other in every[1:]:
            del other["images"]
        return {
            **{name: self._mean(every, name) for name in ("accuracy", "macc")},
            "exits": every,
            "images": images,
        }

    def _mean(self, every: Sequence[dict[str, Any]], name: str) -> float | None:
        values = [every[exit_][name] for exit_ in self._weighed]
        return None if None in values else float(np.mean(values))


def _choose_weights(spec: ModelSpec, objective: Objective) -> torch.Tensor:
    """Return the weights of the exits, float32 (2, exits): of normal images, of defective ones."""
    exits = len(spec.exit_thresholds)
    weights = objective.exits or ExitWeights((1.0,) * exits, (1.0,) * exits)
    if len(weights.normal) != exits:
        raise UsageProblem(
            f"The recipe weighs {len(weights.normal)} exits, and {spec.name} has {exits}.",
            remedy="Give one weight per exit, or leave them out: every exit then counts 1.",
        )
    return torch.tensor([weights.normal, weights.defective], dtype=torch.float32)
