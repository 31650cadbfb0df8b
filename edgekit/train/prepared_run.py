"""A run before its first step: data, model and task brought together, and what a checkpoint says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgekit.checkpoints.format import Checkpoint, current_versions
from edgekit.data import Dataset, Split
from edgekit.data.statistics import measure_normalisation
from edgekit.models import MODELS, ModelSpec
from edgekit.reporting import Reporter
from edgekit.train.augmentation import require_augmentations
from edgekit.train.freezing import EVERYTHING, find_part
from edgekit.train.judging_parts import warn_of_absent
from edgekit.train.recipe import Recipe, plan_phases
from edgekit.train.recipe_checks import require_possible
from edgekit.train.run_data import describe_data
from edgekit.train.run_folder import CheckpointRef, RunRecord
from edgekit.train.sample_store import SampleStore
from edgekit.train.sampling import require_kinds
from edgekit.train.shards import Processes
from edgekit.train.task_table import make_task
from edgekit.train.tasks import TrainingTask
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.bundle.manifest import DataInfo
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.padding import padded_size

OF_THE_TRAINING = ("epoch", "phase", "learning_rate", "train_loss", "seconds")
"""What an epoch's entry says of the training rather than of the weights."""

SEEDS = 2**63
"""Seeds lie below: torch takes no larger ones."""


@dataclass(frozen=True, eq=False)
class PreparedPhase:
    """What stays as it is during a phase.

    Attributes:
        name: Of the phase; None in a run without phases.
        recipe: What it trains by (`plan_phases`).
        task: What is learnt.
        trained: With what the names of the parameters that learn begin.
    """

    name: str | None
    recipe: Recipe
    task: TrainingTask[Any]
    trained: tuple[str, ...] = EVERYTHING


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """What stays as it is while a network is trained.

    Attributes:
        record: What decides the run.
        dataset: The data, as `open_run_data` gives them.
        split: Their split.
        spec: The model for the data's classes.
        phases: One after the other; a run without phases has one.
        data_info: Fingerprints of the data and of each part.
        train: The training part.
        val: The validation part.
        normalisation: Measured on the training part.
    """

    record: RunRecord
    dataset: Dataset
    split: Split
    spec: ModelSpec
    phases: tuple[PreparedPhase, ...]
    data_info: DataInfo
    train: SampleStore
    val: SampleStore
    normalisation: Normalisation

    @property
    def task(self) -> TrainingTask[Any]:
        """The task of the first phase; classes and the form of batches are those of all."""
        return self.phases[0].task

    def describe(self, entry: dict[str, Any]) -> Checkpoint:
        """Return the record of a checkpoint after an epoch, whose entry of the history is given."""
        sizes = {padded_size(*size, self.spec.multiple) for size in self.train.sizes}
        return Checkpoint(
            model=self.spec.name,
            classes=self.task.classes,
            normal_class=self.task.normal_class,
            normalisation=self.normalisation,
            bits=self.train.pixels.bits,
            grey=self.train.pixels.grey,
            provenance="trained",
            training={
                "recipe": self.record.recipe.to_dict(),
                "seed": self.record.seed,
                "data": self.record.data,
                "init": _digest(self.record.init),
                "teacher": _digest(self.record.teacher),
                "size": list(sizes.pop()) if len(sizes) == 1 else None,
                "image_sizes": self._describe_sizes(),
                "epoch": entry["epoch"],
                "phase": entry.get("phase"),
            },
            data=self.data_info,
            metrics={key: value for key, value in entry.items() if key not in OF_THE_TRAINING},
            versions=current_versions(),
        )

    def _describe_sizes(self) -> dict[str, list[int]]:
        """Least and largest height and width of the images that were seen, before padding."""
        sizes = np.array([*self.train.sizes, *self.val.sizes])
        return {"smallest": sizes.min(axis=0).tolist(), "largest": sizes.max(axis=0).tolist()}


def prepare_run(record: RunRecord, dataset: Dataset, split: Split, *, reporter: Reporter) -> PreparedRun:
    """Read both parts and look whether the model can learn them, and whether validation can tell that it did.

    Raises:
        UsageProblem: If the record asks for what cannot be.
        DatasetError: If nothing can be learnt from the training part.
        FrameError: If an image cannot be read or does not suit the network.
        MaskError: If a mask does not fit its image.
    """
    _require_possible(record)
    spec = MODELS.get(record.model)
    spec = spec.for_classes(dataset.classes if spec.task == "segment" else dataset.labels)
    phases = _prepare_phases(record.recipe, spec, dataset, reporter)
    _require_masks_for_crops(record, dataset)
    data_info = describe_data(dataset, split, record.options)
    pixels = _fit_pixels(record, spec)
    train, val = (
        SampleStore(split.subset(dataset, part), pixels=pixels, reporter=reporter)
        for part in ("train", "val")
    )
    for phase in phases:
        phase.task.prepare(train)
    require_kinds(record.recipe.sampling, train.defective)
    warn_of_absent(dataset, split, spec, val=val, reporter=reporter)
    normalisation = measure_normalisation(train.images(), pixels)
    return PreparedRun(record, dataset, split, spec, phases, data_info, train, val, normalisation)


def _prepare_phases(
    recipe: Recipe, spec: ModelSpec, dataset: Dataset, reporter: Reporter
) -> tuple[PreparedPhase, ...]:
    planned = plan_phases(recipe)
    weighs = any(one.objective.exits is not None for one in planned)
    if weighs and spec.exit_thresholds and dataset.normal_label is None:
        reporter.note(
            f"No class of {dataset.name} is the normal one: every image counts as defective where exits are weighed."
        )
    if not recipe.phases:
        return (PreparedPhase(None, recipe, make_task(spec, dataset, recipe.objective)),)
    return tuple(
        PreparedPhase(phase.name, own, make_task(spec, dataset, own.objective), find_part(spec, phase.trains))
        for phase, own in zip(recipe.phases, planned, strict=True)
    )


def _fit_pixels(record: RunRecord, spec: ModelSpec) -> PixelFormat:
    """Return what the frames of the network are: those of the data, in its channels."""
    chosen = record.options.pixels
    if spec.channels == 1:
        return chosen
    if chosen.grey != "equal":
        raise UsageProblem(
            f"{spec.name} takes colours as they are; no formula makes them grey.",
            remedy=f"Leave --grey {chosen.grey} out.",
        )
    return replace(chosen, channels="rgb")


def require_shards(record: RunRecord, processes: Processes) -> None:
    """Refuse shards that the processes or the batches cannot make.

    Raises:
        UsageProblem: Saying which.
    """
    if record.shards < 1:
        raise UsageProblem(f"A batch has one shard or more; got {record.shards}.")
    if processes.count not in (1, record.shards):
        raise UsageProblem(
            f"The run was begun with {record.shards} shards per batch; here are {processes.count} processes.",
            remedy=f"Start torchrun with --nproc-per-node {record.shards}, or go on in one process.",
        )
    if record.shards > record.recipe.batch_size:
        raise UsageProblem(
            f"A batch of {record.recipe.batch_size} images cannot be shared by {record.shards} processes.",
            remedy="Take a larger --batch-size, or fewer processes.",
        )


def _require_masks_for_crops(record: RunRecord, dataset: Dataset) -> None:
    if record.recipe.sampling.crop_on_defect and not dataset.classes:
        raise UsageProblem(
            f"{dataset.name} has no masks: nothing says where in an image a crop holds its defect.",
            remedy="Leave --crop-on-defect out.",
        )


def _digest(reference: CheckpointRef | None) -> str | None:
    return None if reference is None else reference.weights_sha256


def _require_possible(record: RunRecord) -> None:
    """Refuse numbers of a record that define no run; one that was edited by hand may hold any."""
    if not 0 <= record.seed < SEEDS:
        raise UsageProblem(f"The seed of a run lies between 0 and 2⁶³ − 1; got {record.seed}.")
    require_possible(record.recipe)
    require_augmentations(record.recipe.augmentation)
