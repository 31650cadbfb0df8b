"""The data of a run: opened, seen as the network can learn them, and split."""

from __future__ import annotations

from edgekit.data import Dataset, OpenOptions, Split, open_dataset, split_dataset
from edgekit.data.splitting.splits import split_into_folds
from edgekit.data.views import view_for
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.train.run_folder import RunRecord
from edgekit_runtime.bundle.manifest import DataInfo


def open_run_data(record: RunRecord, *, reporter: Reporter | None = None) -> tuple[Dataset, Split]:
    """Return a run's data and their split; the search for copies shows its progress on the reporter.

    Raises:
        DatasetError: If they cannot be opened, do not suit the model, or a part would be empty.
        UsageProblem: If the record names a split that cannot be.
    """
    spec = MODELS.get(record.model)
    opened = open_dataset(record.data, record.options)
    dataset = view_for(opened, task=spec.task, classes=len(spec.classes))
    choice = record.split
    if choice.folds is None or choice.fold is None:
        return dataset, split_dataset(dataset, seed=choice.seed, reporter=reporter)
    return dataset, split_into_folds(
        dataset, folds=choice.folds, fold=choice.fold, seed=choice.seed, reporter=reporter
    )


def describe_data(dataset: Dataset, split: Split, options: OpenOptions = OpenOptions()) -> DataInfo:  # noqa: B008
    """Return fingerprints of the whole and of each part."""
    parts = {part: split.subset(dataset, part).fingerprint() for part in split.parts}
    return DataInfo(
        name=dataset.name,
        include_normal=options.include_normal,
        boxes_as_masks=options.boxes_as_masks,
        fingerprint=dataset.fingerprint(),
        parts=parts,
        split=split.info(dataset),
    )
