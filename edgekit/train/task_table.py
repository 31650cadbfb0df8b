"""Which task a model learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgekit.data.contract import Dataset
from edgekit.models import ModelSpec
from edgekit.models.spec import Task
from edgekit.train.classification import Classification
from edgekit.train.exit_classification import ExitClassification
from edgekit.train.recipe import Objective
from edgekit.train.segmentation import Segmentation
from edgekit.train.tasks import TrainingTask
from edgekit_runtime.errors import UsageProblem

TASKS: Mapping[tuple[Task, bool], Callable[[ModelSpec, Dataset, Objective], TrainingTask[Any]]] = {
    ("segment", False): Segmentation,
    ("classify", False): Classification,
    ("classify", True): ExitClassification,
}
"""(task of the model, whether it has early exits) → what it learns."""


def make_task(spec: ModelSpec, dataset: Dataset, objective: Objective) -> TrainingTask[Any]:
    """Return the task of a model on a dataset that `view_for` returned.

    Raises:
        DatasetError: If the dataset's classes are not the network's.
        UsageProblem: If the loss is not one of the task, or weighs exits that the network does not have.
    """
    has_exits = bool(spec.exit_thresholds)
    if objective.exits is not None and not has_exits:
        raise UsageProblem(
            f"The recipe weighs exits, and {spec.name} has none.",
            remedy="Take a model with early exits, such as dinet, or the model's own recipe.",
        )
    if (spec.task, has_exits) not in TASKS:
        raise UsageProblem(
            f"There is no way to train a network such as {spec.name}, which has exits and is to {spec.task}.",
            remedy="Take a classifier, or a network without exits.",
        )
    return TASKS[spec.task, has_exits](spec, dataset, objective)
