"""Which part of a dataset a command means, when the network may have been trained on these very data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit.data.contract import Dataset
from edgekit.data.opening import OpenOptions, open_dataset
from edgekit.data.splitting.splits import split_again
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.manifest import DataInfo
from edgekit_runtime.errors import DatasetError, UsageProblem


def _as_it_is(dataset: Dataset) -> Dataset:
    return dataset


@dataclass(frozen=True, eq=False)
class ChosenPart:
    """A part, its name, and the name of the whole."""

    dataset: Dataset
    part: str
    source: str


def open_part(
    text: str,
    *,
    trained_on: DataInfo | None,
    part: str | None,
    options: OpenOptions = OpenOptions(),  # noqa: B008
    view: Callable[[Dataset], Dataset] = _as_it_is,
    default: str = "test",
    reporter: Reporter | None = None,
) -> ChosenPart:
    """Open `--data` and return the part that was asked for, as `choose_part` does.

    Data that were trained on are opened as they were then, unless another choice is made.

    Args:
        text: What was typed after --data.
        trained_on: What the network was trained on, where known.
        part: See `choose_part`.
        options: How to open the data; the default choice is that of the training where the data are the same.
        view: What makes of the data what the network knows, such as `merge_classes`.
        default: See `choose_part`.
        reporter: Shows how far the search for copies is.

    Raises:
        UsageProblem: See `choose_part`.
        DatasetError: See `choose_part` and `open_dataset`.
    """
    dataset = None
    if trained_on is not None and options == OpenOptions(pixels=options.pixels):
        again = OpenOptions(trained_on.include_normal, trained_on.boxes_as_masks, options.pixels)
        dataset = open_dataset(text, again)
        dataset = dataset if dataset.name == trained_on.name else None
    seen = view(dataset or open_dataset(text, options))
    return choose_part(seen, trained_on, part, default=default, reporter=reporter)


def choose_part(
    dataset: Dataset,
    trained_on: DataInfo | None,
    part: str | None,
    *,
    default: str = "test",
    reporter: Reporter | None = None,
) -> ChosenPart:
    """Return the part that was asked for.

    Args:
        dataset: The whole dataset.
        trained_on: What the network was trained on, where known.
        part: "train", "val", "test", "all", or None for the default.
        default: The part meant by None when the data are those of the training; other data are taken whole.
        reporter: Shows how far the search for copies is.

    Raises:
        UsageProblem: If a part is asked for and the stored split does not belong to these data.
        DatasetError: If the data changed since the training, or the split does not give the part that was
            recorded: figures would count training images.
        FrameError: If an image cannot be read: the split is made again, and copies are looked for in all of them.
        MaskError: If a mask does not fit its image.
    """
    same = trained_on is not None and trained_on.fingerprint == dataset.fingerprint()
    if trained_on is not None and part != "all" and not same and trained_on.name == dataset.name:
        raise DatasetError(
            f"{dataset.name} has the name of what the network was trained on, but not its content: images, masks or "
            "classes have changed since, or another release read them.",
            remedy="Restore them, or use --split all; the figures may then count images that were trained on.",
        )
    if part == "all" or (part is None and not same):
        return ChosenPart(dataset, "all", dataset.name)
    if trained_on is None or not same:
        raise UsageProblem(
            f"{dataset.name} is not what the network was trained on, so it has no stored {part} part.",
            remedy="Leave --split out, or use --split all.",
        )
    split = split_again(dataset, trained_on.split, reporter=reporter)
    name = part or default
    chosen = split.subset(dataset, name)
    if chosen.fingerprint() != trained_on.parts.get(name):
        raise DatasetError(
            f"The {name} part of {dataset.name} is not the one that was recorded when the network was trained.",
            remedy="Another release of edgekit may have split them: use that, or --split all, whose figures may count "
            "images that were trained on.",
        )
    return ChosenPart(chosen, name, dataset.name)
