"""Images on which an export is checked: parity, golden samples, task metric."""

from __future__ import annotations

from pathlib import Path

from edgekit.checkpoints.format import Checkpoint
from edgekit.data import Dataset, Subset, open_dataset
from edgekit.data.opening import SYNTHETIC
from edgekit.data.splitting.parts import open_part
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit_runtime.errors import UsageProblem

COUNT = 8
"""Enough that mIoU means something, few enough that an export takes seconds."""

DEFAULT_KINDS = (6,)


def choose_samples(checkpoint: Checkpoint, data: str | None, size: tuple[int, int]) -> Dataset:
    """Return up to eight labelled images of the wanted size.

    They come from `data`; else from the validation part of the training's data, where these are generated or still
    there; else from generated images of DAGM's class 6.

    Raises:
        UsageProblem: If the images of `data` have another size.
    """
    source = data or _find_training_data(checkpoint)
    if source is None:
        return _take(SyntheticDagm(DEFAULT_KINDS, size=size))
    dataset = open_dataset(source)
    height, width = dataset.load(0).image.shape[:2]
    if (height, width) != size:
        if isinstance(dataset, SyntheticDagm):
            return _take(SyntheticDagm(dataset.kinds, size=size))
        raise UsageProblem(
            f"The images of {dataset.name} have {height}×{width} pixels, the export {size[0]}×{size[1]}.",
            remedy=f"Export with --size {height}x{width}, or name other images with --data.",
        )
    return _take(open_part(source, trained_on=checkpoint.data, part=None, default="val").dataset)


def _find_training_data(checkpoint: Checkpoint) -> str | None:
    source = str((checkpoint.training or {}).get("data", ""))
    there = source.startswith(SYNTHETIC) or (source and Path(source).is_dir())
    return source if there else None


def _take(dataset: Dataset) -> Dataset:
    """Spread over the dataset, whose order is often one class after the other."""
    count = min(COUNT, len(dataset))
    return Subset(dataset, [index * len(dataset) // count for index in range(count)])
