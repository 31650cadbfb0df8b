"""Mean and standard deviation of a training set's grey values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgekit.data.contract import Image
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import DatasetError

FULL_SCALE = 255.0
DECIMALS = 6
"""The statistics are rounded, so that they read well and do not depend on the order of summation."""


def measure_normalisation(images: Iterable[Image]) -> Normalisation:
    """Return mean and standard deviation over all pixels, in units of full scale.

    Counts grey levels in integers: exact whatever the number of images.

    Raises:
        DatasetError: If every pixel has the same value.
    """
    levels = np.zeros(256, np.int64)
    for image in images:
        levels += np.bincount(image.reshape(-1), minlength=256)
    values = np.arange(256) / FULL_SCALE
    mean = float((levels * values).sum() / levels.sum())
    std = float(np.sqrt((levels * (values - mean) ** 2).sum() / levels.sum()))
    if std == 0:
        raise DatasetError(
            "Every pixel of the training images has the same value.",
            remedy="Look at the images: there is nothing in them to learn from.",
        )
    return Normalisation(mean=(round(mean, DECIMALS),), std=(round(std, DECIMALS),), scale=FULL_SCALE)
