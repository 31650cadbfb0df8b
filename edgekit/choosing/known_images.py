"""Images of which it is known whether they show a defect, kept in memory: they are run at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Dataset, Image
from edgekit.data.splitting.duplicates import link_duplicates
from edgekit.evaluation.judging import shows_defect
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Zone
from edgekit_runtime.errors import DatasetError

KEPT_BYTES = 1 << 30
"""Images are kept in memory up to this size; further ones are read again for every threshold."""


@dataclass(frozen=True, eq=False)
class KnownImages:
    """Images of which it is known whether they show a defect.

    Attributes:
        dataset: Where they are loaded from; copies share a group.
        defective: Whether each shows a defect where one is looked for, bool (images,).
        sizes: Height and width of each in px, int64 (images, 2).
        kept: The first images, as many as memory is taken for.
    """

    dataset: Dataset
    defective: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int64]
    kept: tuple[Image, ...]

    @property
    def groups(self) -> list[str]:
        """The group of each image."""
        return [item.group for item in self.dataset.items]

    def load(self, index: int) -> Image:
        """Return one image."""
        return self.kept[index] if index < len(self.kept) else self.dataset.load(index).image


def know_images(dataset: Dataset, *, zones: Sequence[Zone] = (), reporter: Reporter) -> KnownImages:
    """Read a dataset once: which images show a defect, and as many images as fit.

    Args:
        dataset: The images, with masks or with what is known of each.
        zones: Where a bundle that segments looks for nothing: an image whose defect lies in them counts as defect-free,
            as for `edgekit eval`.
        reporter: Where progress goes.

    Raises:
        DatasetError: If there is no defective image, or no defect-free one.
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    dataset = link_duplicates(dataset, reporter=reporter)
    defective: list[bool] = []
    sizes: list[tuple[int, ...]] = []
    kept: list[Image] = []
    taken = 0
    with reporter.progress(f"reading {dataset.name}", len(dataset)) as advance:
        for index, item in enumerate(dataset.items):
            sample = dataset.load(index)
            defective.append(shows_defect(item, sample, zones))
            sizes.append(sample.image.shape[:2])
            taken += sample.image.nbytes
            if taken <= KEPT_BYTES and len(kept) == index:
                kept.append(sample.image)
            advance()
    images = KnownImages(
        dataset, np.array(defective, bool), np.array(sizes, np.int64).reshape(-1, 2), tuple(kept)
    )
    _require_both(images)
    return images


def _require_both(images: KnownImages) -> None:
    defective = int(images.defective.sum())
    normal = len(images.defective) - defective
    if not normal:
        raise DatasetError(
            f"{images.dataset.name} holds {defective} defective images and none without a defect: nothing says how "
            "many good parts a threshold rejects.",
            remedy="Add defect-free images (with an all-black mask), or take those that are there: --include-normal.",
        )
    if not defective:
        raise DatasetError(
            f"{images.dataset.name} holds {normal} defect-free images and no defective one: nothing says how many "
            "defects a threshold lets through.",
            remedy="Add defective images with their masks, or name another part of the data.",
        )
