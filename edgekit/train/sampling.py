"""Which images an epoch draws, in which order, and which crop of each: decided by (seed, epoch) and nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Sample
from edgekit.train.recipe import Sampling
from edgekit_runtime.errors import DatasetError

Indices = npt.NDArray[np.int64]


def require_kinds(sampling: Sampling, defective: npt.NDArray[np.bool_]) -> None:
    """Refuse a share of images that the training part does not have, before a run is begun.

    Raises:
        DatasetError: If a share of defective images is asked for and one of the two kinds is absent.
    """
    for kind, amount in _count_kinds(sampling, len(defective)):
        if amount and not (defective == kind).any():
            raise DatasetError(
                f"The training part has no {'defective' if kind else 'defect-free'} image, "
                "and the recipe asks for a share of them.",
                remedy="Add such images, or leave --defective-share out.",
            )


def draw_order(
    sampling: Sampling, defective: npt.NDArray[np.bool_], generator: np.random.Generator
) -> Indices:
    """Return the indices of one epoch in the order they are shown.

    Args:
        sampling: How many images, and how many of them defective.
        defective: bool (images,): which ones show a defect.
        generator: Of this epoch.

    Raises:
        DatasetError: See `require_kinds`.
    """
    if sampling.defective_share is None:
        return _cycle(np.arange(len(defective)), sampling.images_per_epoch or len(defective), generator)
    require_kinds(sampling, defective)
    chosen = [
        _cycle(np.flatnonzero(defective == kind), amount, generator)
        for kind, amount in _count_kinds(sampling, len(defective))
        if amount
    ]
    return generator.permutation(np.concatenate(chosen))


def _cycle(indices: Indices, count: int, generator: np.random.Generator) -> Indices:
    """Every index once before any comes twice."""
    rounds = [generator.permutation(indices) for _ in range(-(-count // len(indices)))]
    return np.concatenate(rounds)[:count]


def _count_kinds(sampling: Sampling, images: int) -> tuple[tuple[bool, int], ...]:
    """Return how many images of each kind an epoch shows, (defective, count), where the recipe asks for a share."""
    if sampling.defective_share is None:
        return ()
    count = sampling.images_per_epoch or images
    wanted = round(sampling.defective_share * count)
    return (True, wanted), (False, count - wanted)


def crop_sample(sample: Sample, sampling: Sampling, generator: np.random.Generator) -> Sample:
    """Return a square crop, or the sample where none is asked; smaller images stay as they are along that side.

    A share of the crops, `sampling.crop_on_defect`, is placed so that it holds a defective pixel, where there is one.
    """
    side = sampling.crop_px
    if side is None:
        return sample
    height, width = sample.image.shape[:2]
    rows, columns = min(side, height), min(side, width)
    point = _choose_defective_pixel(sample, sampling.crop_on_defect, generator)
    top = _place(height, rows, None if point is None else point[0], generator)
    left = _place(width, columns, None if point is None else point[1], generator)
    window = (slice(top, top + rows), slice(left, left + columns))
    mask = None if sample.mask is None else sample.mask[window]
    return Sample(sample.name, sample.image[window], mask, sample.kinds)


def _choose_defective_pixel(
    sample: Sample, share: float, generator: np.random.Generator
) -> tuple[int, int] | None:
    if not share or sample.mask is None or generator.random() >= share:
        return None
    found = np.flatnonzero(sample.mask)
    if not len(found):
        return None
    row, column = divmod(int(found[generator.integers(len(found))]), sample.mask.shape[1])
    return row, column


def _place(length: int, window: int, held: int | None, generator: np.random.Generator) -> int:
    """Return a start of the window, uniform among those that hold the pixel `held`."""
    first, last = 0, length - window
    if held is not None:
        first, last = max(first, held - window + 1), min(last, held)
    return int(generator.integers(first, last + 1))
