"""A dataset out of a list, to put whatever is doubtful into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data import Dataset, Item, Sample
from edgekit.data.checking.check import Check, check_dataset
from edgekit.data.checking.findings import Finding
from edgekit.data.contract import digest_parts
from edgekit.reporting import Reporter
from edgekit_runtime.errors import EdgekitError

SIZE = (48, 64)


@dataclass
class Drawn:
    """One image; a noisy one of its own where none is given."""

    name: str
    image: np.ndarray | None = None
    mask: np.ndarray | None = None
    kinds: tuple[str, ...] = ()
    defective: bool | None = None
    label: int | None = None
    group: str | None = None
    error: EdgekitError | None = None
    mask_file: Path | None = None


class DrawnDataset(Dataset):
    """The images of a list."""

    def __init__(
        self,
        images: Sequence[Drawn],
        *,
        classes: tuple[str, ...] = ("background", "defect"),
        labels: tuple[str, ...] = (),
        name: str = "drawn",
    ) -> None:
        self.name, self.classes, self.labels = name, classes, labels
        self.images = list(images)
        self.items = tuple(
            Item(image.name, image.group or image.name, "all", image.defective, image.label)
            for image in images
        )

    def load(self, index: int) -> Sample:
        drawn = self.images[index]
        if drawn.error is not None:
            raise drawn.error
        image = make_noise(drawn.name) if drawn.image is None else drawn.image
        return Sample(drawn.name, image, drawn.mask, drawn.kinds)

    def digest(self, index: int) -> str:
        drawn = self.images[index]
        return digest_parts(ascii(drawn.name), *map(_list_bytes, (drawn.image, drawn.mask)))

    def mask_file(self, index: int) -> Path | None:
        return self.images[index].mask_file


def _list_bytes(array: np.ndarray | None) -> str:
    return "" if array is None else f"{array.shape} {array.tobytes().hex()}"


def make_noise(name: str, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return noise that the name decides."""
    return (
        np.random.default_rng(list(name.encode(errors="surrogateescape")))
        .integers(60, 200, size)
        .astype(np.uint8)
    )


def make_mask(*boxes: tuple[int, int, int, int, int], size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return a mask with rectangles: top, left, height, width, value."""
    mask = np.zeros(size, np.uint8)
    for top, left, height, width, value in boxes:
        mask[top : top + height, left : left + width] = value
    return mask


def check(dataset: Dataset, *, compare: bool = True) -> Check:
    """Check in silence."""
    return check_dataset(dataset, compare=compare, reporter=Reporter(quiet=True))


def find(images: Sequence[Drawn], rule: str, **options: object) -> list[Finding]:
    """Return the findings of one rule."""
    return [finding for finding in check(DrawnDataset(images, **options)).findings if finding.rule == rule]
