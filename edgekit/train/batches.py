"""From a dataset to batches: decoded once, kept as uint8, drawn in an order that only (seed, epoch) decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from edgekit.data.contract import Dataset, Sample
from edgekit.reporting import Reporter
from edgekit.train.recipes import Recipe
from edgekit_runtime.errors import DatasetError

CACHE_LIMIT_BYTES = 4 << 30
"""Decoded images are kept in memory up to here; larger sets are decoded as they are drawn."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images uint8 (N, H, W), masks uint8 (N, H, W), and the items' names for messages."""

    images: torch.Tensor
    masks: torch.Tensor
    names: tuple[str, ...]


class SampleStore:
    """A dataset's samples, checked to share one size that the network admits, and kept decoded while they fit.

    Raises:
        DatasetError: If the images differ in size, or a side is no multiple of `multiple`.
    """

    def __init__(self, dataset: Dataset, *, multiple: int, reporter: Reporter) -> None:
        self._dataset = dataset
        self._kept: dict[int, Sample] = {}
        self._kept_bytes = 0
        self.shape: tuple[int, ...] = ()
        self._multiple = multiple
        with reporter.progress(f"reading {dataset.name}", len(dataset)) as advance:
            for index in range(len(dataset)):
                self.load(index)
                advance()

    def __len__(self) -> int:
        return len(self._dataset)

    def load(self, index: int) -> Sample:
        """Return one sample, decoded at most once while it fits."""
        if index in self._kept:
            return self._kept[index]
        sample = self._dataset.load(index)
        self._check(sample)
        size = sample.image.nbytes + sample.known_mask.nbytes
        if self._kept_bytes + size <= CACHE_LIMIT_BYTES:
            self._kept[index] = sample
            self._kept_bytes += size
        return sample

    def _check(self, sample: Sample) -> None:
        shape = sample.image.shape
        if any(side % self._multiple for side in shape[:2]):
            raise DatasetError(
                f"{sample.name} has {shape[0]}×{shape[1]} pixels (height × width); "
                f"the network needs multiples of {self._multiple}.",
                remedy="Crop or pad the images and masks.",
            )
        self.shape = self.shape or shape
        if shape != self.shape:
            raise DatasetError(
                f"{sample.name} is {shape}, other images are {self.shape} (height, width).",
                remedy="Training needs images of one size: crop or pad them, and their masks.",
            )


def draw_batches(store: SampleStore, recipe: Recipe, *, seed: int, epoch: int) -> Iterator[Batch]:
    """Yield one epoch of shuffled training batches.

    Order and crops come from a generator seeded with (seed, epoch): a resumed run draws what an uninterrupted one
    would have drawn.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(store))
    if recipe.images_per_epoch is not None:
        repeats = -(-recipe.images_per_epoch // len(order))
        order = np.concatenate([order, *(generator.permutation(len(store)) for _ in range(repeats - 1))])
        order = order[: recipe.images_per_epoch]
    for start in range(0, len(order), recipe.batch_size):
        samples = [store.load(int(index)) for index in order[start : start + recipe.batch_size]]
        if recipe.crop_px is not None:
            samples = [_crop(sample, recipe.crop_px, generator) for sample in samples]
        yield _stack(samples)


def iterate_batches(store: SampleStore, batch_size: int) -> Iterator[Batch]:
    """Yield every sample once, in order."""
    for start in range(0, len(store), batch_size):
        yield _stack([store.load(index) for index in range(start, min(start + batch_size, len(store)))])


def _stack(samples: list[Sample]) -> Batch:
    return Batch(
        torch.from_numpy(np.stack([sample.image for sample in samples])),
        torch.from_numpy(np.stack([sample.known_mask for sample in samples])),
        tuple(sample.name for sample in samples),
    )


def _crop(sample: Sample, side: int, generator: np.random.Generator) -> Sample:
    height, width = sample.image.shape[:2]
    rows, columns = min(side, height), min(side, width)
    top = int(generator.integers(height - rows + 1))
    left = int(generator.integers(width - columns + 1))
    window = (slice(top, top + rows), slice(left, left + columns))
    return Sample(sample.name, sample.image[window], sample.known_mask[window])
