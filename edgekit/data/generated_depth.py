"""Generated images of another depth than the 8 bits that the generators draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.data.contract import Dataset, Sample, View
from edgekit_runtime.bundle.contract import PixelFormat

DRAWN_WHITE = 255


class GeneratedDepth(View):
    """Generated images as a camera of another depth would give them: black stays black, and white white."""

    def __init__(self, source: Dataset, pixels: PixelFormat) -> None:
        super().__init__(source)
        self.pixels = pixels
        drawn = np.arange(DRAWN_WHITE + 1) * (pixels.levels - 1)
        self._levels = ((drawn + DRAWN_WHITE // 2) // DRAWN_WHITE).astype(pixels.frame_type)

    def load(self, index: int) -> Sample:
        """Return the source's sample at the depth."""
        sample = self.source.load(index)
        return replace(sample, image=self._levels[sample.image])


def set_depth(generated: Dataset, pixels: PixelFormat) -> Dataset:
    """Return a generated dataset at the stated depth: itself, or a view of it."""
    if pixels.bits != generated.pixels.bits:
        return GeneratedDepth(generated, pixels)
    generated.pixels = pixels
    return generated


def find_generator(dataset: Dataset) -> Dataset:
    """Return the dataset behind the view that `set_depth` may have made."""
    return dataset.source if isinstance(dataset, GeneratedDepth) else dataset
