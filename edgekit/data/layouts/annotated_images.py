"""What COCO, LabelMe and YOLO share: images whose regions are stored as shapes, and drawn when a sample is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Image, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.shapes import BoxShape, Shape
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError, EdgekitError, MaskError

BACKGROUND = "background"
MOST_CLASSES = 255
"""Masks have eight bits."""

BOXES_REMEDY = (
    "Add --boxes-as-masks to take each box for a mask, which teaches the network the box; or draw outlines."
)


@dataclass(frozen=True)
class Region:
    """A shape, the mask value it is drawn with, and file and place for messages."""

    shape: Shape
    value: int
    where: str


@dataclass(frozen=True)
class AnnotatedImage:
    """An image file, its item's name, and the regions in the order they are drawn: later ones lie on top.

    `size` is the (height, width) that the annotations say the image has; None where they say nothing.
    """

    name: str
    path: Path
    regions: tuple[Region, ...]
    size: tuple[int, int] | None = None

    @property
    def values(self) -> tuple[int, ...]:
        """The mask values of the regions that show a defect, sorted."""
        return tuple(sorted({region.value for region in self.regions if region.value}))


class AnnotatedImages(Dataset):
    """Images with regions.

    An image without regions is defect-free. Its stratum is the rarest kind that it shows, so that rare kinds are spread
    over the parts of a split. Where an annotation has a box and no outline, and boxes are not to be taken for masks,
    the dataset has no masks at all, and still knows which images are defective: half of the regions would teach a
    network that the other half is background.

    Args:
        name: The dataset's name.
        kinds: Names of the defects by mask value, from 1.
        images: In the items' order.
        boxes_as_masks: Take boxes for masks.

    Raises:
        DatasetError: If there are no images, too many kinds, or two images or two kinds of one name.
    """

    def __init__(
        self,
        name: str,
        kinds: Sequence[str],
        images: Sequence[AnnotatedImage],
        *,
        boxes_as_masks: bool,
    ) -> None:
        self.name = name
        self._kinds = _name_classes(name, kinds)
        if not images:
            raise DatasetError(f"{name} holds no image.", remedy="Name a folder with annotated images.")
        self._images = tuple(images)
        self.items = _make_items(name, self._kinds, self._images)
        boxes = _list_boxes(self._images)
        self.classes = self._kinds
        if boxes and not boxes_as_masks:
            self.classes = ()
            self.mask_remedy = (
                f"{len(boxes)} regions are boxes without an outline ({boxes[0]}). {BOXES_REMEDY}"
            )

    def load(self, index: int) -> Sample:
        """Read one image and draw its regions."""
        entry = self._images[index]
        image = read_image(entry.path, self.pixels, channels="native")
        if entry.size is not None and image.shape[:2] != entry.size:
            raise MaskError(
                f"{entry.path} is {image.shape[:2]}, its annotations are for {entry.size} (height, width).",
                remedy="Annotate the image as it is: edgekit scales neither.",
            )
        if not self.classes:
            return Sample(
                entry.name, image, None, tuple(sorted(self._kinds[value] for value in entry.values))
            )
        mask = _draw(entry, image)
        return Sample(entry.name, image, mask, tuple(sorted(self._kinds[v] for v in np.unique(mask) if v)))

    def digest(self, index: int) -> str:
        """Return a hash of the image's content and its regions."""
        entry = self._images[index]
        regions = [f"{region.value} {region.shape.describe()}" for region in entry.regions]
        return digest_parts(digest_file(entry.path), *regions)


def _draw(entry: AnnotatedImage, image: Image) -> Mask:
    mask = np.zeros(image.shape[:2], np.uint8)
    for region in entry.regions:
        try:
            region.shape.fill(mask, region.value)
        except EdgekitError as error:
            raise MaskError(f"{region.where}: {error.message}.", remedy=error.remedy) from error
    return mask


def _name_classes(name: str, kinds: Sequence[str]) -> tuple[str, ...]:
    classes = (BACKGROUND, *kinds)
    double = [kind for kind, count in Counter(classes).items() if count > 1]
    if double:
        raise DatasetError(
            f"{name} has two classes called {double[0]!r}; 0 in a mask is {BACKGROUND!r}.",
            remedy="Rename one of them in the annotations.",
        )
    if len(kinds) > MOST_CLASSES:
        raise DatasetError(f"{name} has {len(kinds)} classes; masks hold at most {MOST_CLASSES}.")
    return classes


def _make_items(name: str, classes: tuple[str, ...], images: Sequence[AnnotatedImage]) -> tuple[Item, ...]:
    seen: dict[str, Path] = {}
    for image in images:
        if image.name in seen:
            raise DatasetError(
                f"{image.path} and {seen[image.name]} in {name} share the name {image.name}.",
                remedy="Rename one of them, or take one out.",
            )
        seen[image.name] = image.path
    counts = Counter(value for image in images for value in image.values)
    items = []
    for image in images:
        rarest = min(image.values, key=lambda value: (counts[value], value), default=None)
        stratum = "normal" if rarest is None else f"defective/{classes[rarest]}"
        items.append(Item(image.name, image.name, stratum, defective=rarest is not None))
    return tuple(items)


def _list_boxes(images: Sequence[AnnotatedImage]) -> list[str]:
    return [
        region.where for image in images for region in image.regions if isinstance(region.shape, BoxShape)
    ]
