"""Mean and standard deviation of a training set's grey values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Image
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError

DECIMALS = 6
"""The statistics are rounded, so that they read well and do not depend on the order of summation."""


def measure_normalisation(
    images: Iterable[Image],
    pixels: PixelFormat = PixelFormat(),  # noqa: B008
) -> Normalisation:
    """Return mean and standard deviation over all pixels, per channel, in units of the stated scale.

    Counts levels in integers: exact whatever the number of images, of any sizes.

    Args:
        images: (H, W), or (H, W, 3) each, of the stated depth.
        pixels: Their depth and scale.

    Raises:
        DatasetError: If every pixel of a channel has the same value.
    """
    levels: npt.NDArray[np.int64] | None = None
    for image in images:
        channels = image.reshape(-1, image.shape[2]).T if image.ndim == 3 else image.reshape(1, -1)
        counted = np.stack([np.bincount(channel, minlength=pixels.levels) for channel in channels])
        levels = counted if levels is None else levels + counted
    if levels is None:
        raise DatasetError("There are no training images.")
    values = np.arange(pixels.levels) / pixels.scale
    names = ("red value", "green value", "blue value") if len(levels) == 3 else ("value",)
    measured = [_measure_channel(*pair, values) for pair in zip(names, levels, strict=True)]
    return Normalisation(
        mean=tuple(mean for mean, _ in measured), std=tuple(std for _, std in measured), scale=pixels.scale
    )


def _measure_channel(
    name: str, levels: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[float, float]:
    mean = float((levels * values).sum() / levels.sum())
    std = round(float(np.sqrt((levels * (values - mean) ** 2).sum() / levels.sum())), DECIMALS)
    if std == 0:
        raise DatasetError(
            f"Every pixel of the training images has the same {name}.",
            remedy="Look at the images: there is nothing in them to learn from.",
        )
    return round(mean, DECIMALS), std
