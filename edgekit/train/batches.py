"""From samples to batches: padded to one size that the network admits, integers until they reach the device."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from edgekit.data.contract import Sample
from edgekit.train.augmentation import augment_sample
from edgekit.train.recipe import Recipe
from edgekit.train.sample_store import SampleStore
from edgekit.train.sampling import crop_sample, draw_order
from edgekit_runtime.padding import pad_frame, padded_size
from edgekit_runtime.pixels import widen

_ORDER, _FIRST_PLACE = 0, 1
"""Numbers of an epoch's streams. (NumPy pads seeds with zeros: [7, 3] and [7, 3, 0] would be one stream.)"""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images and the truth about them.

    Attributes:
        images: (N, H, W) grey or (N, H, W, 3) RGB, in the type that graphs take: uint8, or int32 for deeper pixels.
        truth: uint8 (N, H, W) masks when segmenting, int64 (N,) classes when classifying.
        counts: bool (N, H, W), False where a frame was padded; None where none was.
        sizes: (height, width) of each image before it was padded.
        names: Of the items, for messages.
    """

    images: torch.Tensor
    truth: torch.Tensor
    counts: torch.Tensor | None
    sizes: tuple[tuple[int, int], ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, start: int, end: int) -> Batch:
        """Return some rows, as views."""
        counts = None if self.counts is None else self.counts[start:end]
        return Batch(
            self.images[start:end],
            self.truth[start:end],
            counts,
            self.sizes[start:end],
            self.names[start:end],
        )


@dataclass(frozen=True)
class BatchForm:
    """What the network asks of a batch.

    Attributes:
        multiple: Height and width are padded to multiples of this.
        labels: Whether the truth is a class per image.
    """

    multiple: int
    labels: bool


def count_steps(store: SampleStore, recipe: Recipe) -> int:
    """Return the number of batches of an epoch."""
    images = recipe.sampling.images_per_epoch or len(store)
    return -(-images // recipe.batch_size)


def draw_batches(
    store: SampleStore, recipe: Recipe, form: BatchForm, *, seed: int, epoch: int
) -> Generator[Batch]:
    """Yield one epoch of shuffled training batches.

    Each epoch has a stream of random numbers for the order, and one for the crop and augmentation of each place
    in it, all numbered from (seed, epoch): a resumed run draws what an uninterrupted one would have drawn.
    """
    order = draw_order(recipe.sampling, store.defective, np.random.default_rng([seed, epoch, _ORDER]))
    for start in range(0, len(order), recipe.batch_size):
        indices = [int(index) for index in order[start : start + recipe.batch_size]]
        samples = [
            _change(
                store.load(index),
                recipe,
                np.random.default_rng([seed, epoch, _FIRST_PLACE + start + place]),
                levels=store.pixels.levels,
            )
            for place, index in enumerate(indices)
        ]
        yield _stack(samples, store, indices, form)


def iterate_batches(store: SampleStore, batch_size: int, form: BatchForm) -> Iterator[Batch]:
    """Yield every sample once; images of one padded size share a batch, so that none is padded further than alone."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for index, size in enumerate(store.sizes):
        by_size.setdefault(padded_size(*size, form.multiple), []).append(index)
    for indices in by_size.values():
        for start in range(0, len(indices), batch_size):
            chosen = indices[start : start + batch_size]
            yield _stack([store.load(index) for index in chosen], store, chosen, form)


def _change(sample: Sample, recipe: Recipe, generator: np.random.Generator, *, levels: int) -> Sample:
    cropped = crop_sample(sample, recipe.sampling, generator)
    return augment_sample(cropped, recipe.augmentation, generator, levels=levels)


def _stack(samples: Sequence[Sample], store: SampleStore, indices: Sequence[int], form: BatchForm) -> Batch:
    sizes = tuple((sample.image.shape[0], sample.image.shape[1]) for sample in samples)
    common = padded_size(max(height for height, _ in sizes), max(width for _, width in sizes), form.multiple)
    # PyTorch does next to nothing with uint16.
    images = _pad_all([widen(sample.image, store.pixels) for sample in samples], common)
    if form.labels:
        truth = torch.tensor([store.label(index) for index in indices], dtype=torch.int64)
    else:
        truth = _pad_all([sample.known_mask for sample in samples], common)
    counts = None
    if not form.labels and any(size != common for size in sizes):
        counts = torch.zeros(len(samples), *common, dtype=torch.bool)
        for row, (height, width) in enumerate(sizes):
            counts[row, :height, :width] = True
    return Batch(images, truth, counts, sizes, tuple(sample.name for sample in samples))


def _pad_all(pixels: Sequence[npt.NDArray[Any]], size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(np.stack([pad_frame(each, size) for each in pixels]))
