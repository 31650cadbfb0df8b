"""What a dataset is: items that are known without opening a file, and samples that are loaded one by one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One image, before it is opened.

    Attributes:
        name: Unique within the dataset, such as "Class6/Train/1070"; stable when the folder moves.
        group: Items of one group show one physical thing and never part in a split.
        stratum: Items of one stratum are spread evenly over the parts.
        defective: Whether the image shows a defect; None where only its mask tells.
    """

    name: str
    group: str
    stratum: str
    defective: bool | None


@dataclass(frozen=True, eq=False)
class Sample:
    """One loaded image.

    Attributes:
        name: The item's name.
        image: uint8 (H, W) grey or (H, W, 3) RGB.
        mask: uint8 (H, W): 0 background, k the k-th class.
    """

    name: str
    image: Image
    mask: Mask


class Dataset(ABC):
    """Images with pixel masks. Subclasses set `name`, `classes` and `items`, and load one sample at a time.

    Attributes:
        name: Short description for people and records, such as "dagm2007:Class6".
        classes: Class names by mask value; index 0 is the background.
        items: Every image, in a fixed order that does not depend on the file system's.
    """

    name: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]

    def __len__(self) -> int:
        return len(self.items)

    @abstractmethod
    def load(self, index: int) -> Sample:
        """Return one sample.

        Raises:
            FrameError: If the image cannot be read or used.
            MaskError: If the mask does not fit the image.
        """

    @abstractmethod
    def digest(self, index: int) -> str:
        """Return a sha256 that changes when the image or its mask changes."""

    def fingerprint(self) -> str:
        """Return a sha256 of every item and its content, independent of order and place."""
        lines = sorted(f"{item.name} {self.digest(index)}" for index, item in enumerate(self.items))
        return hashlib.sha256("\n".join([*self.classes, *lines]).encode()).hexdigest()


class Subset(Dataset):
    """Some items of a dataset, in the given order."""

    def __init__(self, source: Dataset, indices: Sequence[int], *, name: str | None = None) -> None:
        self.source = source
        self.indices = tuple(indices)
        self.name = name or source.name
        self.classes = source.classes
        self.items = tuple(source.items[index] for index in self.indices)

    def load(self, index: int) -> Sample:
        """Return one sample of the source."""
        return self.source.load(self.indices[index])

    def digest(self, index: int) -> str:
        """Return the source's digest."""
        return self.source.digest(self.indices[index])


def digest_parts(*parts: Any) -> str:
    """Return a sha256 of the parts' text, separated so that no two lists of parts collide."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()
