"""Which part of a dataset a command means, when the network may have been trained on these very data."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.data.contract import Dataset
from edgekit.data.splits import split_dataset
from edgekit_runtime.bundle.manifest import DataInfo
from edgekit_runtime.errors import DatasetError, UsageProblem


@dataclass(frozen=True, eq=False)
class ChosenPart:
    """A part and its name."""

    dataset: Dataset
    part: str


def choose_part(
    dataset: Dataset, trained_on: DataInfo | None, part: str | None, *, default: str = "test"
) -> ChosenPart:
    """Return the part that was asked for.

    Args:
        dataset: The whole dataset.
        trained_on: What the network was trained on, where known.
        part: "train", "val", "test", "all", or None for the default.
        default: The part meant by None when the data are those of the training; other data are taken whole.

    Raises:
        UsageProblem: If a part is asked for and the stored split does not belong to these data.
        DatasetError: If the split does not give the part that was recorded: figures would count training images.
    """
    same = trained_on is not None and trained_on.fingerprint == dataset.fingerprint()
    if part == "all" or (part is None and not same):
        return ChosenPart(dataset, "all")
    if trained_on is None or not same:
        raise UsageProblem(
            f"{dataset.name} is not what the network was trained on, so it has no stored {part} part.",
            remedy="Leave --split out, or use --split all.",
        )
    split = split_dataset(dataset, seed=trained_on.split_seed, fractions=trained_on.split_fractions)
    name = part or default
    chosen = split.subset(dataset, name)
    if chosen.fingerprint() != trained_on.parts.get(name):
        raise DatasetError(
            f"The {name} part of {dataset.name} is not the one that was recorded when the network was trained.",
            remedy="Use --split all, and read the figures as those of images that may have been trained on.",
        )
    return ChosenPart(chosen, name)
