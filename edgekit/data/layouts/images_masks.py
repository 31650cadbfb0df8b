"""One's own images: `images/` and `masks/`, paired by file name without suffix.

    ROOT/images/plate-17.png      8-bit grey
    ROOT/masks/plate-17.png       0 background, 255 (or 1) defect

Every image needs a mask, also a defect-free one: an all-black mask says so, a missing mask may be a slip.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.media.images import is_image_file, read_image, read_mask
from edgekit_runtime.errors import DatasetError, MaskError

DEFECT_VALUES = (1, 255)


class ImageMaskFolder(Dataset):
    """A folder with `images/` and `masks/`.

    Args:
        root: The folder that holds both.

    Raises:
        DatasetError: If a folder is missing or empty, two images share a stem, or an image or a mask lacks the other.
    """

    classes = ("background", "defect")

    def __init__(self, root: Path) -> None:
        images = _index_by_stem(root / "images")
        masks = _index_by_stem(root / "masks")
        missing = sorted(set(images) - set(masks))
        if missing:
            raise DatasetError(
                f"{len(missing)} of {len(images)} images have no mask, such as {images[missing[0]]}.",
                remedy=f"Save a mask {missing[0]}.png in {root / 'masks'}; all black where there is no defect.",
            )
        orphans = sorted(set(masks) - set(images))
        if orphans:
            raise DatasetError(
                f"{len(orphans)} of {len(masks)} masks have no image, such as {masks[orphans[0]]}.",
                remedy="Add the images, or take these masks out: a lost image must not go unnoticed.",
            )
        self.name = f"folder:{root.resolve().name}"
        self._files = [(images[stem], masks[stem]) for stem in images]
        self.items = tuple(Item(stem, group=stem, stratum="all", defective=None) for stem in images)

    def load(self, index: int) -> Sample:
        """Read one image and its mask."""
        image_path, mask_path = self._files[index]
        image = read_image(image_path)
        return Sample(self.items[index].name, image, _read_binary_mask(mask_path, image.shape[:2]))

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content."""
        return digest_parts(*(digest_file(path) for path in self._files[index]))

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file."""
        return self._files[index][1]


def _index_by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DatasetError(
            f"There is no folder {folder}.", remedy="Put images in images/ and masks in masks/."
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not is_image_file(path):
            continue
        if path.stem in found:
            raise DatasetError(f"{path.name} and {found[path.stem].name} in {folder} share a name.")
        found[path.stem] = path
    if not found:
        raise DatasetError(
            f"{folder} holds no images.", remedy="edgekit reads PNG, JPEG, BMP and TIFF files."
        )
    return found


def _read_binary_mask(path: Path, shape: tuple[int, ...]) -> Mask:
    mask = read_mask(path)
    if mask.shape != shape:
        raise MaskError(
            f"The mask {path} is {mask.shape}, its image {shape} (height, width).",
            remedy="Save the mask at the image's size.",
        )
    values = np.unique(mask)
    unknown = [int(value) for value in values if value not in (0, *DEFECT_VALUES)]
    if unknown:
        raise MaskError(
            f"The mask {path} holds the value{'s' * (len(unknown) > 1)} "
            f"{', '.join(map(str, unknown[:5]))}; expected 0 for background and 255 (or 1) for defect.",
            remedy="Save it as a lossless black-and-white PNG: JPEG and smoothing make grey values.",
        )
    return (mask > 0).astype(np.uint8)
