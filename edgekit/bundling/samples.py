"""Images on which an export is checked: parity, golden samples, task metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgekit.bundling.cutting import choose_part
from edgekit.checkpoints.format import Checkpoint
from edgekit.data import Dataset, OpenOptions, Subset, open_dataset
from edgekit.data.contract import Sample, View
from edgekit.data.generated_depth import find_generator, set_depth
from edgekit.data.opening import SYNTHETIC
from edgekit.data.splitting.parts import open_part
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.data.views import view_for
from edgekit.evaluation.predictors import fit_frame
from edgekit.models import MODELS
from edgekit.models.spec import Task
from edgekit_runtime.bundle.contract import Fit, PixelFormat
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.padding import pad_frame

COUNT = 8
"""Enough that mIoU means something, few enough that an export takes seconds."""

LOWERED_COUNT = 32
"""For a lower precision, whose points of a metric are gated: eight images give them too coarsely."""

DEFAULT_KINDS = (6,)


class FittedFrames(View):
    """A dataset as a bundle takes it: grey images repeated for a colour network, smaller ones padded to its size.

    Of larger ones, which only a bundle that cuts its frames takes, one tile is shown: that with most of the defect.
    """

    def __init__(self, source: Dataset, pixels: PixelFormat, size: tuple[int, int]) -> None:
        super().__init__(source)
        self.pixels = pixels
        self.size = size

    def load(self, index: int) -> Sample:
        """Return the source's sample.

        Raises:
            FrameError: If it is not what the network takes.
        """
        sample = self.source.load(index)
        part = choose_part(sample.image.shape, self.size, sample.mask)
        mask = None if sample.mask is None else pad_frame(sample.mask[part], self.size)
        image = pad_frame(fit_frame(sample.image[part], self.pixels), self.size)
        return replace(sample, image=image, mask=mask)


def choose_samples(
    checkpoint: Checkpoint, data: str | None, size: tuple[int, int], *, count: int = COUNT, fit: Fit = "pad"
) -> Dataset:
    """Return up to `count` images of the wanted size, with the network's channels.

    They come from `data`; else from the validation part of the training's data, where these are still there and have
    images of the size; else from generated images of DAGM's class 6. Images that are smaller, but not below half the
    area, are padded as in training; where the bundle's fit is "tile", larger ones are cut. They have masks for a
    segmenting network, and a class each for a classifying one; generated images have masks only.

    Raises:
        UsageProblem: If no image of `data` has the size.
        DatasetError: If `data` have no masks, or no class per image, and the network answers just that.
    """
    spec = MODELS.get(checkpoint.model)
    images = _choose_images(checkpoint, spec.task, data, size, count, fit)
    return FittedFrames(images, checkpoint.pixels, size)


def are_stand_ins(samples: Dataset, checkpoint: Checkpoint) -> bool:
    """Whether generated images were chosen although the training had others."""
    source = str((checkpoint.training or {}).get("data") or SYNTHETIC)
    return samples.name.startswith(SYNTHETIC) and not source.startswith(SYNTHETIC)


def _choose_images(
    checkpoint: Checkpoint, task: Task, data: str | None, size: tuple[int, int], count: int, fit: Fit
) -> Dataset:
    source = data or find_training_data(checkpoint)
    stand_ins = partial(_generate, size=size, pixels=checkpoint.pixels, count=count)
    if source is None:
        return stand_ins(DEFAULT_KINDS)
    options = OpenOptions(pixels=checkpoint.pixels)
    dataset = open_dataset(source, options)
    height, width = dataset.load(0).image.shape[:2]
    generator = find_generator(dataset)
    if isinstance(generator, SyntheticDagm) and (height, width) != size:
        return stand_ins(generator.kinds)
    view = partial(view_for, task=task, classes=len(checkpoint.classes))
    part = open_part(
        source, trained_on=checkpoint.data, part=None, options=options, view=view, default="val"
    ).dataset
    fitting = [index for index in range(len(part)) if fits_frame(part.load(index).image.shape, size, fit)]
    if fitting:
        return _take(Subset(part, fitting), count)
    if data is None:
        return stand_ins(DEFAULT_KINDS)
    raise UsageProblem(
        f"The images of {dataset.name} have {height}×{width} pixels, the export {size[0]}×{size[1]}.",
        remedy=f"Export with --size {height}x{width}, or name other images with --data.",
    )


def _generate(kinds: Sequence[int], *, size: tuple[int, int], pixels: PixelFormat, count: int) -> Dataset:
    return _take(set_depth(SyntheticDagm(kinds, size=size), pixels), count)


def fits_frame(shape: tuple[int, ...], size: tuple[int, int], fit: Fit) -> bool:
    """Whether an image has the size, is cut to it, or is padded to it without being mostly padding."""
    height, width = shape[:2]
    if fit == "tile":
        height, width = min(height, size[0]), min(width, size[1])
    return height <= size[0] and width <= size[1] and 2 * height * width >= size[0] * size[1]


def find_training_data(checkpoint: Checkpoint) -> str | None:
    """Return what was typed after --data when the weights were trained, where that is still there."""
    source = str((checkpoint.training or {}).get("data", ""))
    there = source.startswith(SYNTHETIC) or (source and Path(source).is_dir())
    return source if there else None


def _take(dataset: Dataset, count: int) -> Dataset:
    """Spread over the dataset, whose order is often one class after the other."""
    count = min(count, len(dataset))
    return Subset(dataset, [index * len(dataset) // count for index in range(count)])
