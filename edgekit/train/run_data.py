"""The data of a run: opened, seen as the network can learn them, and split."""

from __future__ import annotations

from edgekit.data import Dataset, OpenOptions, Split, open_dataset, split_dataset
from edgekit.data.splitting.splits import split_into_folds
from edgekit.models import MODELS
from edgekit.train.run_folder import RunRecord
from edgekit.train.tasks import view_for
from edgekit_runtime.bundle.manifest import DataInfo


def open_run_data(record: RunRecord) -> tuple[Dataset, Split]:
    """Return a run's data and their split.

    Raises:
        DatasetError: If they cannot be opened, do not suit the model, or a part would be empty.
        UsageProblem: If the record names a split that cannot be.
    """
    dataset = view_for(MODELS.get(record.model), open_dataset(record.data, record.options))
    choice = record.split
    if choice.folds is None or choice.fold is None:
        return dataset, split_dataset(dataset, seed=choice.seed)
    return dataset, split_into_folds(dataset, folds=choice.folds, fold=choice.fold, seed=choice.seed)


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
