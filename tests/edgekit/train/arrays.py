"""Datasets of arrays for tests, and batches without files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from edgekit.data import Dataset, Item, Sample
from edgekit.reporting import Reporter
from edgekit.train.batches import Batch
from edgekit.train.sample_store import SampleStore
from edgekit_runtime.bundle import PixelFormat


class ArrayDataset(Dataset):
    """Images with masks, with labels, or with both; counts how often it decodes."""

    def __init__(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        labels: Sequence[int] | None = None,
        names: Sequence[str] = (),
        normal: str | None = None,
    ) -> None:
        self.name = "arrays"
        self.loads = 0
        self.classes = () if masks is None else ("background", "defect")
        self.labels = tuple(names)
        self.normal_label = normal
        self._images, self._masks = images, masks
        self.items = tuple(
            Item(
                f"image-{index:02}",
                group=f"group-{index}",
                stratum="",
                defective=None if masks is None else bool(masks[index].any()),
                label=None if labels is None else labels[index],
            )
            for index in range(len(images))
        )

    def load(self, index: int) -> Sample:
        self.loads += 1
        mask = None if self._masks is None else self._masks[index]
        return Sample(self.items[index].name, self._images[index], mask)

    def digest(self, index: int) -> str:
        return hashlib.sha256(self._images[index].tobytes()).hexdigest()


def draw_pixels(*sizes: tuple[int, int], seed: int = 0, share: float = 0.3) -> ArrayDataset:
    """Return noise of the given sizes with random masks that are never empty."""
    generator = np.random.default_rng(seed)
    images = [generator.integers(0, 256, size).astype(np.uint8) for size in sizes]
    masks = [(generator.random(size) < share).astype(np.uint8) for size in sizes]
    for mask in masks:
        mask[0, 0] = 1
    return ArrayDataset(images, masks)


def make_store(dataset: Dataset, *, channels: int = 1, pixels: PixelFormat | None = None) -> SampleStore:
    """Return a store that says nothing while it reads."""
    taken = pixels or PixelFormat("grey" if channels == 1 else "rgb")
    return SampleStore(dataset, pixels=taken, reporter=Reporter(quiet=True))


def make_batch(images: np.ndarray, truth: np.ndarray, counts: np.ndarray | None = None) -> Batch:
    """Return a batch of arrays; `counts` is as in `Batch`."""
    sizes = tuple((image.shape[0], image.shape[1]) for image in images)
    return Batch(
        torch.from_numpy(images),
        torch.from_numpy(truth),
        None if counts is None else torch.from_numpy(counts),
        sizes,
        tuple(f"image-{row}" for row in range(len(images))),
    )
