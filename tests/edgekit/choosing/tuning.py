"""Images that a fake bundle answers by their grey values, and bundles that say what they were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.choosing.known_images import KnownImages, know_images
from edgekit.data.contract import Dataset, Sample
from edgekit.data.splitting.splits import split_dataset
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import DataInfo, Zone
from tests.edgekit.evaluation.building import InMemory

SIZE = 32
MIDDLE = 128
"""Grey value at which the logit of a fake bundle is 0."""


def spot(side: int, grey: int) -> np.ndarray:
    """Return a dark image with a square of so many pixels a side and such a grey value."""
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[2 : 2 + side, 2 : 2 + side] = grey
    return image


def know(
    defective: Sequence[np.ndarray],
    normal: Sequence[np.ndarray],
    *,
    groups: Sequence[str] | None = None,
    zones: Sequence[Zone] = (),
) -> KnownImages:
    """Return images of which it is known whether they show a defect."""
    images = [*defective, *normal]
    shown = [True] * len(defective) + [False] * len(normal)
    samples = [
        Sample(f"image-{index}", image, np.full(image.shape, known, np.uint8))
        for index, (image, known) in enumerate(zip(images, shown, strict=True))
    ]
    dataset = InMemory(samples, groups=groups, defective=shown)
    dataset.may_hold_duplicates = False
    return know_images(dataset, zones=zones, reporter=Reporter(quiet=True))


def describe_training(dataset: Dataset, *, include_normal: bool | None = None) -> DataInfo:
    """Return what a bundle says that was trained on a dataset, split by seed 0."""
    split = split_dataset(dataset, seed=0)
    return DataInfo(
        name=dataset.name,
        include_normal=include_normal,
        boxes_as_masks=False,
        fingerprint=dataset.fingerprint(),
        parts={part: split.subset(dataset, part).fingerprint() for part in split.parts},
        split=split.info(dataset),
    )
