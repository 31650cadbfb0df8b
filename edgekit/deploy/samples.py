"""Images on which an export is checked: parity, golden samples, task metric."""

from __future__ import annotations

from pathlib import Path

from edgekit.checkpoints.format import Checkpoint
from edgekit.data import Dataset, Subset, open_dataset
from edgekit.data.opening import SYNTHETIC
from edgekit.data.parts import choose_part
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
    sample = dataset.load(0)
    if sample.image.shape[:2] != size:
        if isinstance(dataset, SyntheticDagm):
            return _take(SyntheticDagm(dataset.kinds, size=size))
        height, width = sample.image.shape[:2]
        raise UsageProblem(
            f"The images of {dataset.name} have {height}×{width} pixels, the export {size[0]}×{size[1]}.",
            remedy=f"Export with --size {height}x{width}, or name other images with --data.",
        )
    return _take(choose_part(dataset, checkpoint.data, None, default="val").dataset)


def _find_training_data(checkpoint: Checkpoint) -> str | None:
    source = str((checkpoint.training or {}).get("data", ""))
    there = source.startswith(SYNTHETIC) or (source and Path(source).is_dir())
    return source if there else None


def _take(dataset: Dataset) -> Dataset:
    return Subset(dataset, range(min(COUNT, len(dataset))))
