"""A part of a dataset for training: every image read once, kept decoded while they fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Dataset, Image, Mask, Sample
from edgekit.evaluation.predictors import fit_frame
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError

CACHE_LIMIT_BYTES = 4 << 30
"""Decoded images are kept in memory up to here; larger sets are decoded as they are drawn."""


class SampleStore:
    """Samples of one part, as the network takes them.

    Args:
        dataset: The part.
        pixels: What the network's frames are; grey images are repeated where these are in colour.
        reporter: Shows how far the reading is.

    Attributes:
        name: Of the part.
        pixels: As given.
        sizes: (height, width) of every image.
        defective: bool (images,): which show a defect.

    Raises:
        FrameError: If an image is not what the network takes, or a file cannot be read.
    """

    def __init__(self, dataset: Dataset, *, pixels: PixelFormat, reporter: Reporter) -> None:
        self.name = dataset.name
        self._dataset = dataset
        self.pixels = pixels
        self._kept: dict[int, Sample] = {}
        self._kept_bytes = 0
        self.sizes: list[tuple[int, int]] = []
        self.defective = np.zeros(len(dataset), bool)
        with reporter.progress(f"reading {dataset.name}", len(dataset)) as advance:
            for index, item in enumerate(dataset.items):
                sample = self.load(index)
                height, width = sample.image.shape[:2]
                self.sizes.append((height, width))
                self.defective[index] = _shows_defect(sample, item.defective)
                advance()

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def is_kept(self) -> bool:
        """Whether every sample stays decoded in memory."""
        return len(self._kept) == len(self)

    def load(self, index: int) -> Sample:
        """Return one sample, decoded at most once while it fits."""
        if index in self._kept:
            return self._kept[index]
        sample = self._fit(self._dataset.load(index))
        size = sample.image.nbytes + (0 if sample.mask is None else sample.mask.nbytes)
        if self._kept_bytes + size <= CACHE_LIMIT_BYTES:
            self._kept[index] = sample
            self._kept_bytes += size
        return sample

    def label(self, index: int) -> int:
        """Return the class of an image.

        Raises:
            DatasetError: If it has none.
        """
        label = self._dataset.items[index].label
        if label is None:
            raise DatasetError(
                f"{self._dataset.items[index].name} has no class.",
                remedy="A classifier needs one class per image, such as a folder per class.",
            )
        return label

    def labels(self) -> npt.NDArray[np.int64]:
        """Return every image's class, int64 (images,)."""
        return np.array([self.label(index) for index in range(len(self))], np.int64)

    def images(self) -> Iterator[Image]:
        """Yield every image."""
        return (self.load(index).image for index in range(len(self)))

    def masks(self) -> Iterator[Mask]:
        """Yield every mask."""
        return (self.load(index).known_mask for index in range(len(self)))

    def _fit(self, sample: Sample) -> Sample:
        try:
            return replace(sample, image=fit_frame(sample.image, self.pixels))
        except FrameError as error:
            raise FrameError(f"{sample.name}: {error.message}", remedy=error.remedy) from error


def _shows_defect(sample: Sample, said: bool | None) -> bool:
    if sample.mask is not None:
        return bool(sample.mask.any())
    return said is not False
