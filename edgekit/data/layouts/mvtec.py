"""MVTec AD's layout, which many other sets and plants use.

    ROOT/CATEGORY/train/good/*.png
    ROOT/CATEGORY/test/good/*.png
    ROOT/CATEGORY/test/KIND/*.png                     grey or colour
    ROOT/CATEGORY/ground_truth/KIND/*_mask.png        0 background, 255 (or 1) defect; "_mask" may be missing

ROOT may be one CATEGORY, or the folder of several. Kinds of one name count as one kind, whatever their category.

The official split holds no defective image in train/: it is made for networks that learn from good ones alone. The
networks here learn from defects, so that edgekit splits train/ and test/ together by itself, by category and kind.

Source: Bergmann et al., "MVTec AD: a comprehensive real-world dataset for unsupervised anomaly detection", 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Image, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.mask_files import (
    index_by_stem,
    list_folders,
    list_image_files,
    read_defect_mask,
    require_pairs,
)
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError, MaskError

GOOD = "good"
DEFECT_VALUES = (1, 255)
MASK_ENDING = "_mask"


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: str
    stratum: str
    image: Path
    mask: Path | None


class MvtecFolders(Dataset):
    """Good and defective images of one or several categories, with the kind of each.

    `classes` are the background and the kinds, `labels` are good and the kinds.

    Args:
        root: One category, or the folder that holds several.

    Raises:
        DatasetError: If the layout is not there, no image is defective, two files share a name, train/ holds anything
            but good/, or an image or a mask lacks the other.
    """

    normal_label = GOOD

    def __init__(self, root: Path) -> None:
        categories = find_categories(root)
        if not categories:
            raise DatasetError(
                f"{root} holds no category (a folder with train/good, test/ and ground_truth/).",
                remedy="Point --data at the folder of a category, or at that of several.",
            )
        alone = categories == [root]
        entries = [
            entry
            for category in categories
            for entry in _list_entries(category, prefix="" if alone else f"{category.name}/")
        ]
        kinds = sorted({entry.kind for entry in entries} - {GOOD})
        if not kinds:
            raise DatasetError(
                f"{root} holds no defective image.",
                remedy="Put defective images in test/KIND and their masks in ground_truth/KIND.",
            )
        self.name = f"mvtec:{root.resolve().name}"
        self.classes = ("background", *kinds)
        self.labels = (GOOD, *kinds)
        self._entries = entries
        self.items = tuple(
            Item(entry.name, entry.name, entry.stratum, entry.kind != GOOD, self.labels.index(entry.kind))
            for entry in entries
        )

    def load(self, index: int) -> Sample:
        """Read one image and its mask; a good image has none."""
        entry = self._entries[index]
        image = read_image(entry.image, self.pixels, channels="native")
        kinds = () if entry.kind == GOOD else (entry.kind,)
        return Sample(entry.name, image, self._read_mask(entry, image), kinds)

    def digest(self, index: int) -> str:
        """Return a hash of the kind and of the content of the image and its mask."""
        entry = self._entries[index]
        mask = digest_file(entry.mask) if entry.mask else "none"
        return digest_parts(entry.kind, digest_file(entry.image), mask)

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file; None where a good image has none."""
        return self._entries[index].mask

    def _read_mask(self, entry: _Entry, image: Image) -> Mask:
        if entry.mask is None:
            return np.zeros(image.shape[:2], np.uint8)
        mask = read_defect_mask(entry.mask, image.shape[:2], defect_values=DEFECT_VALUES)
        if entry.kind == GOOD and mask.any():
            raise MaskError(
                f"The mask {entry.mask} marks a defect, but its image lies in {GOOD}/.",
                remedy="Move both to the folder of their kind, or take the mask out.",
            )
        return mask * np.uint8(self.labels.index(entry.kind))


def find_categories(root: Path) -> list[Path]:
    """Return the root if it is a category, else the categories that it holds, else none."""
    if _is_category(root):
        return [root]
    return [folder for folder in list_folders(root) if _is_category(folder)]


def _is_category(folder: Path) -> bool:
    # Without ground_truth/ these are folders by class, which need no masks.
    return (folder / "test").is_dir() and (folder / "ground_truth").is_dir()


def _list_entries(category: Path, *, prefix: str) -> Iterator[_Entry]:
    _require_good_alone(category / "train")
    _require_tested(category)
    for folder in (category / "train" / GOOD, *list_folders(category / "test")):
        part, kind = folder.parent.name, folder.name
        images = index_by_stem(list_image_files(folder))
        masks = index_by_stem(list_image_files(category / "ground_truth" / kind), ending=MASK_ENDING)
        if part == "train":
            masks = {}
        elif not images:
            raise DatasetError(f"{folder} holds no images.", remedy="Fill the folder, or take it out.")
        if kind != GOOD or masks:
            require_pairs(images, masks, mask_name=f"{category.name}/ground_truth/{kind}/{{stem}}_mask.png")
        for stem, image in images.items():
            yield _Entry(f"{prefix}{part}/{kind}/{stem}", kind, f"{prefix}{kind}", image, masks.get(stem))


def _require_good_alone(train: Path) -> None:
    others = [folder.name for folder in list_folders(train) if folder.name != GOOD]
    if others or list_image_files(train):
        raise DatasetError(
            f"{train} holds {f'{others[0]}/' if others else 'images'}; in this layout it holds {GOOD}/ and no more.",
            remedy="Move defective images to test/KIND and their masks to ground_truth/KIND: edgekit splits by itself.",
        )


def _require_tested(category: Path) -> None:
    """Refuse kinds of mask without images, and images of no kind."""
    tested = {folder.name for folder in list_folders(category / "test")}
    lost = [folder.name for folder in list_folders(category / "ground_truth") if folder.name not in tested]
    if lost:
        raise DatasetError(
            f"{category / 'ground_truth' / lost[0]} has no images in {category / 'test' / lost[0]}.",
            remedy="Add the images, or take these masks out: lost images must not go unnoticed.",
        )
    loose = list_image_files(category / "test")
    if loose:
        raise DatasetError(
            f"{loose[0]} lies in no folder of a kind.", remedy="Move it to test/good or test/KIND."
        )
