"""What a dataset is: items that are known without opening a file, and samples that are loaded one by one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError
from edgekit_runtime.pixels import Frame

Image = Frame
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One image, before it is opened.

    Attributes:
        name: Unique within the dataset, such as "Class6/Train/1070"; stable when the folder moves.
        group: Items of one group show one physical thing and never part in a split.
        stratum: Items of one stratum are spread evenly over the parts.
        defective: Whether the image shows a defect; None where only its mask tells.
        label: Index of the image's class in the dataset's `labels`; None where it has none.
    """

    name: str
    group: str
    stratum: str
    defective: bool | None
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """One loaded image.

    Attributes:
        name: The item's name.
        image: uint8, or uint16 where pixels are deeper than 8 bits, (H, W) grey or (H, W, 3) RGB.
        mask: uint8 (H, W): 0 background, k the k-th of the dataset's `classes`; None where the dataset has no masks.
        kinds: Names of the kinds of defect that the image shows, sorted; () where it shows none or they have no
            names. They outlive `merge_classes`, so that a network that knows only "defect" is measured per kind.
    """

    name: str
    image: Image
    mask: Mask | None
    kinds: tuple[str, ...] = ()

    @property
    def known_mask(self) -> Mask:
        """The mask.

        Raises:
            DatasetError: If the sample has none.
        """
        if self.mask is None:
            raise DatasetError(
                f"{self.name} has no pixel mask.",
                remedy="Segmentation needs masks: name data that have them.",
            )
        return self.mask


class Dataset(ABC):
    """Images with pixel masks, with a class per image, or with both.

    Subclasses set the attributes and load one sample at a time.

    Attributes:
        name: Short description for people and records, such as "dagm2007:Class6".
        classes: Names by mask value, index 0 the background; () where the dataset has no masks.
        labels: Names of the images' classes by `Item.label`; () where images have no class.
        normal_label: The one of `labels` that means defect-free; None where there is none.
        items: Every image, in a fixed order that does not depend on the file system's.
        layout: Which layout was found on disk, in words; "" where none was.
        pixels: Depth of the images, and how colours become grey; what `open_dataset` was told. Images may be in colour
            whatever its channels: those are a network's. Fingerprints do not depend on it: they are of the files.
        may_hold_duplicates: Whether one picture may be there twice; False for generated images.
        mask_remedy: What a person can do where masks are asked for and `classes` is (); None for the general advice.
    """

    name: str
    classes: tuple[str, ...]
    labels: tuple[str, ...] = ()
    normal_label: str | None = None
    items: tuple[Item, ...]
    layout: str = ""
    pixels: PixelFormat = PixelFormat()
    may_hold_duplicates: bool = True
    mask_remedy: str | None = None

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
        """Return a sha256 that changes when the image, its mask or its label changes."""

    def mask_file(self, index: int) -> Path | None:  # noqa: ARG002
        """Return the image file that a mask is read from; None where it comes from elsewhere, or there is none."""
        return None

    def fingerprint(self) -> str:
        """Return a sha256 of every item and its content, independent of order and place."""
        lines = sorted(f"{item.name} {self.digest(index)}" for index, item in enumerate(self.items))
        # Labels are part of the content of datasets that have them, and absent from older fingerprints.
        heads = [*self.classes, *(f"label {name}" for name in self.labels)]
        # Another normal class is another question: what escapes, and what is rejected for nothing.
        heads += [] if self.normal_label is None else [f"normal {self.normal_label}"]
        return hashlib.sha256("\n".join([*heads, *lines]).encode(errors="surrogateescape")).hexdigest()


class View(Dataset):
    """A dataset that shows another one differently; subclasses override what differs."""

    def __init__(self, source: Dataset) -> None:
        self.source = source
        self.name = source.name
        self.classes = source.classes
        self.labels = source.labels
        self.normal_label = source.normal_label
        self.items = source.items
        self.layout = source.layout
        self.pixels = source.pixels
        self.may_hold_duplicates = source.may_hold_duplicates
        self.mask_remedy = source.mask_remedy

    def load(self, index: int) -> Sample:
        """Return the source's sample."""
        return self.source.load(index)

    def digest(self, index: int) -> str:
        """Return the source's digest."""
        return self.source.digest(index)

    def mask_file(self, index: int) -> Path | None:
        """Return the source's file."""
        return self.source.mask_file(index)


class Subset(View):
    """Some items of a dataset, in the given order."""

    def __init__(self, source: Dataset, indices: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(source)
        self.indices = tuple(indices)
        self.name = name or source.name
        self.items = tuple(source.items[index] for index in self.indices)

    def load(self, index: int) -> Sample:
        """Return one sample of the source."""
        return self.source.load(self.indices[index])

    def digest(self, index: int) -> str:
        """Return the source's digest."""
        return self.source.digest(self.indices[index])

    def mask_file(self, index: int) -> Path | None:
        """Return the source's file."""
        return self.source.mask_file(self.indices[index])


def digest_parts(*parts: Any) -> str:
    """Return a sha256 of the parts' text, separated so that no two lists of parts collide."""
    return hashlib.sha256(
        "\x1f".join(str(part) for part in parts).encode(errors="surrogateescape")
    ).hexdigest()
