"""One's own images: `images/` and `masks/`, paired by file name without suffix.

    ROOT/images/plate-17.png      8-bit grey or RGB
    ROOT/masks/plate-17.png       0 background, 255 (or 1) defect
    ROOT/dataset.json             if there: names of classes, groups and more (see `dataset_file.py`)

Every image needs a mask, also a defect-free one: an all-black mask says so, a missing mask may be a slip. With a
dataset.json that names several classes of defect, mask values are class indices; with one that names none, there are no
masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.dataset_file import FILE_NAME, REMEDY, read_dataset_file
from edgekit.data.layouts.marked_masks import marks_defect, name_stratum
from edgekit.data.layouts.mask_files import index_by_stem, list_image_files, require_pairs, require_shape
from edgekit.media.images import read_image, read_mask
from edgekit_runtime.errors import DatasetError, MaskError

IMAGES, MASKS = "images", "masks"
WHITE = 255
"""Besides 1, the value of defect pixels where there is one class of defect: such a mask can be looked at."""


class ImageMaskFolder(Dataset):
    """A folder with `images/` and `masks/`, and nothing that says more of them.

    Every mask is looked at when the folder is opened: nothing else says which images are defective, and plants have
    many more of the others.

    Args:
        root: The folder that holds both.

    Raises:
        DatasetError: If a folder is missing or empty, two images share a stem, or an image or a mask lacks the other.
    """

    classes = ("background", "defect")

    def __init__(self, root: Path) -> None:
        images = _index_folder(root / IMAGES)
        masks = _index_folder(root / MASKS)
        require_pairs(
            images, masks, mask_name=f"{root / MASKS}/{{stem}}.png (all black where there is no defect)"
        )
        self.name = f"folder:{root.resolve().name}"
        self._files = [(images[stem], masks[stem]) for stem in images]
        self.items = tuple(_make_item(stem, marks_defect(masks[stem])) for stem in images)

    def load(self, index: int) -> Sample:
        """Read one image and its mask."""
        image_path, mask_path = self._files[index]
        image = read_image(image_path, self.pixels, channels="native")
        mask = _read_class_mask(mask_path, image.shape[:2], self.classes)
        return Sample(self.items[index].name, image, mask)

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content."""
        return digest_parts(*(digest_file(path) for path in self._files[index]))

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file."""
        return self._files[index][1]


class DescribedFolder(Dataset):
    """A folder with `images/`, a `dataset.json`, and `masks/` if the latter names classes of pixels.

    Args:
        root: The folder that holds them.

    Raises:
        DatasetError: If dataset.json cannot be read, names a file that is not there, or does not name one that is.
    """

    def __init__(self, root: Path) -> None:
        content = read_dataset_file(root / FILE_NAME)
        self.name = content.name
        self.classes, self.labels, self.normal_label = content.classes, content.labels, content.normal_label
        stems = [item.file for item in content.items]
        images = _require_stems(root / IMAGES, stems)
        masks = _require_stems(root / MASKS, stems) if content.classes else {}
        if not content.classes and (root / MASKS).is_dir():
            raise DatasetError(
                f"{root / FILE_NAME} names no classes, but there is {root / MASKS}.", remedy=REMEDY
            )
        self._files = [(images[stem], masks.get(stem)) for stem in stems]
        self._kinds = [item.kinds for item in content.items]
        self.items = tuple(item.to_item() for item in content.items)

    def load(self, index: int) -> Sample:
        """Read one image and its mask, if it has one."""
        image_path, mask_path = self._files[index]
        image = read_image(image_path, self.pixels, channels="native")
        mask = _read_class_mask(mask_path, image.shape[:2], self.classes) if mask_path else None
        return Sample(self.items[index].name, image, mask, self._kinds[index])

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content and of what dataset.json says of them."""
        item, files = self.items[index], self._files[index]
        said = (item.defective, item.label, *self._kinds[index])
        return digest_parts(*(digest_file(path) if path else "none" for path in files), *said)

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file; None where there are no masks."""
        return self._files[index][1]


def open_image_folder(root: Path) -> Dataset:
    """Open `images/` and `masks/`, by the folder's dataset.json where there is one.

    Raises:
        DatasetError: As `ImageMaskFolder` or `DescribedFolder`.
    """
    return DescribedFolder(root) if (root / FILE_NAME).exists() else ImageMaskFolder(root)


def _require_stems(folder: Path, stems: Sequence[str]) -> dict[str, Path]:
    """Return the files of a folder by stem, which must be exactly those that dataset.json names."""
    found = _index_folder(folder)
    missing = sorted(set(stems) - set(found))
    if missing:
        raise DatasetError(
            f"{FILE_NAME} names {missing[0]!r}, which is not in {folder} ({len(missing)} of {len(stems)} are missing).",
            remedy="Convert the data again, or take the items out of the file.",
        )
    unknown = sorted(set(found) - set(stems))
    if unknown:
        raise DatasetError(
            f"{FILE_NAME} does not name {found[unknown[0]]} ({len(unknown)} such files in {folder}).",
            remedy="Add the items to the file, or take the files out.",
        )
    return found


def _make_item(stem: str, defective: bool | None) -> Item:
    return Item(stem, group=stem, stratum=name_stratum({defective}), defective=defective)


def _index_folder(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DatasetError(
            f"There is no folder {folder}.", remedy="Put images in images/ and masks in masks/."
        )
    found = index_by_stem(list_image_files(folder))
    if not found:
        raise DatasetError(
            f"{folder} holds no images.", remedy="edgekit reads PNG, JPEG, BMP and TIFF files."
        )
    return found


def _read_class_mask(path: Path, shape: tuple[int, ...], classes: tuple[str, ...]) -> Mask:
    mask = read_mask(path)
    require_shape(path, mask, shape)
    is_binary = len(classes) == 2
    allowed = (0, 1, WHITE) if is_binary else range(len(classes))
    unknown = [int(value) for value in np.unique(mask) if value not in allowed]
    if unknown:
        meaning = "0 for background and 255 (or 1) for defect" if is_binary else f"0 to {len(classes) - 1}"
        raise MaskError(
            f"The mask {path} holds the value{'s' * (len(unknown) > 1)} "
            f"{', '.join(map(str, unknown[:5]))}; expected {meaning}.",
            remedy="Save it as a lossless PNG: JPEG and smoothing make grey values. Masks of several classes need a "
            "dataset.json that names them.",
        )
    return (mask > 0).astype(np.uint8) if is_binary else mask
