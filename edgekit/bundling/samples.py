"""Images on which an export is checked: parity, golden samples, task metric."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from edgekit.checkpoints.format import Checkpoint
from edgekit.data import Dataset, Subset, open_dataset
from edgekit.data.contract import Sample, View
from edgekit.data.opening import SYNTHETIC
from edgekit.data.splitting.parts import open_part
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.data.views import view_for
from edgekit.evaluation.predictors import fit_channels
from edgekit.models import MODELS
from edgekit.models.spec import Task
from edgekit_runtime.errors import UsageProblem

COUNT = 8
"""Enough that mIoU means something, few enough that an export takes seconds."""

DEFAULT_KINDS = (6,)


class FittedFrames(View):
    """A dataset whose images have the network's channels: grey ones are repeated for a colour network."""

    def __init__(self, source: Dataset, channels: int) -> None:
        super().__init__(source)
        self.channels = channels

    def load(self, index: int) -> Sample:
        """Return the source's sample.

        Raises:
            FrameError: If it is in colour and the network takes grey.
        """
        sample = self.source.load(index)
        return replace(sample, image=fit_channels(sample.image, self.channels))


def choose_samples(checkpoint: Checkpoint, data: str | None, size: tuple[int, int]) -> Dataset:
    """Return up to eight images of the wanted size, with the network's channels.

    They come from `data`; else from the validation part of the training's data, where these are generated or still
    there; else from generated images of DAGM's class 6. They have masks for a segmenting network, and a class each for
    a classifying one; generated images have masks only.

    Raises:
        UsageProblem: If the images of `data` have another size.
        DatasetError: If `data` have no masks, or no class per image, and the network answers just that.
    """
    spec = MODELS.get(checkpoint.model)
    return FittedFrames(_choose_images(checkpoint, spec.task, data, size), spec.channels)


def _choose_images(checkpoint: Checkpoint, task: Task, data: str | None, size: tuple[int, int]) -> Dataset:
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
    view = partial(view_for, task=task, classes=len(checkpoint.classes))
    return _take(open_part(source, trained_on=checkpoint.data, part=None, view=view, default="val").dataset)


def _find_training_data(checkpoint: Checkpoint) -> str | None:
    source = str((checkpoint.training or {}).get("data", ""))
    there = source.startswith(SYNTHETIC) or (source and Path(source).is_dir())
    return source if there else None


def _take(dataset: Dataset) -> Dataset:
    """Spread over the dataset, whose order is often one class after the other."""
    count = min(COUNT, len(dataset))
    return Subset(dataset, [index * len(dataset) // count for index in range(count)])
