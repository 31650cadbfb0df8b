"""The Magnetic Tile defects (Huang et al. 2020) in their official layout.

    ROOT/MT_{Blowhole,Break,Crack,Fray,Free,Uneven}/Imgs/expE_num_FRAME.jpg      grey, of many sizes
    ROOT/MT_{…}/Imgs/expE_num_FRAME.png                                          defect above 127
    ROOT/groups.csv                                                              optional: image, tile_group

Source: Y. Huang, C. Qiu, K. Yuan, "Surface defect saliency of magnetic tile", The Visual Computer 36, 2020.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.groups_file import GroupsTable, read_groups_file
from edgekit.data.layouts.magnetic_tile_groups import derive_tile_groups
from edgekit.data.layouts.mask_files import index_by_stem, list_image_files, read_sized_mask, require_pairs
from edgekit.data.strata import share_strata
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError

FOLDERS = {
    "free": "MT_Free",
    "blowhole": "MT_Blowhole",
    "break": "MT_Break",
    "crack": "MT_Crack",
    "fray": "MT_Fray",
    "uneven": "MT_Uneven",
}
FREE = "free"

MASK_THRESHOLD = 127
"""Masks have all 256 grey levels along their edges."""

TILE_GROUP = "tile_group"
IMAGE_SUFFIXES, MASK_SUFFIX = (".jpg", ".jpeg"), ".png"


@dataclass(frozen=True)
class _Pair:
    kind: str
    image: Path
    mask: Path


class MagneticTile(Dataset):
    """Images of magnetic tiles, one kind of defect per folder, with pixel masks.

    The folder is the image's label. An image of MT_Free counts as defect-free, whatever its mask holds: some show a
    defect, but nobody has said of which kind. An empty mask in another folder stays as it is.

    Args:
        root: The folder that holds MT_Free and the others.
        include_normal: Whether to take the images of MT_Free.

    Raises:
        DatasetError: If the layout is not there, an image or a mask lacks the other, or groups.csv does not fit.
    """

    classes = ("background", *(kind for kind in FOLDERS if kind != FREE))
    labels = tuple(FOLDERS)
    normal_label = FREE

    def __init__(self, root: Path, *, include_normal: bool = True) -> None:
        pairs = {
            f"{folder}/{pair.image.stem}": pair
            for kind, folder in FOLDERS.items()
            for pair in _pair_files(root / folder / "Imgs", kind)
        }
        if not pairs:
            raise DatasetError(
                f"{root} holds no Magnetic Tile images ({', '.join(FOLDERS.values())}).",
                remedy="Point --data at the folder with MT_Free/Imgs and the others.",
            )
        groups = _read_tile_groups(read_groups_file(root), pairs)
        taken = {name: pair for name, pair in pairs.items() if include_normal or pair.kind != FREE}
        if not taken:
            raise DatasetError(
                f"{root} holds no image of a defect: only MT_Free is there.",
                remedy="Add the folders with defects, or take the defect-free images too (--include-normal).",
            )
        self.name = "magnetic-tile"
        self._pairs = tuple(taken.values())
        self.items = share_strata(
            [_make_item(name, groups[name], pair.kind, self.labels) for name, pair in taken.items()]
        )

    def load(self, index: int) -> Sample:
        """Read one image and its mask."""
        pair = self._pairs[index]
        image = read_image(pair.image, self.pixels)
        mask = _read_kind_mask(pair, image.shape[:2], self.classes)
        return Sample(self.items[index].name, image, mask, (pair.kind,) if mask.any() else ())

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content and the kind."""
        pair = self._pairs[index]
        return digest_parts(digest_file(pair.image), digest_file(pair.mask), pair.kind)

    def mask_file(self, index: int) -> Path:
        """Return the mask's file."""
        return self._pairs[index].mask


def is_magnetic_tile(root: Path) -> bool:
    """Tell whether a folder holds at least one of the set's six."""
    return any((root / folder / "Imgs").is_dir() for folder in FOLDERS.values())


def _pair_files(folder: Path, kind: str) -> list[_Pair]:
    files = list_image_files(folder)
    images = index_by_stem(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES)
    masks = index_by_stem(path for path in files if path.suffix.lower() == MASK_SUFFIX)
    require_pairs(images, masks, mask_name=f"{folder}/{{stem}}{MASK_SUFFIX}")
    return [_Pair(kind, images[stem], masks[stem]) for stem in images]


def _read_tile_groups(table: GroupsTable | None, pairs: Collection[str]) -> dict[str, str]:
    if table is None or TILE_GROUP not in table.columns:
        return derive_tile_groups(pairs)
    return {name: f"tile-{cell}" for name, cell in table.column(TILE_GROUP, pairs).items()}


def _make_item(name: str, group: str, kind: str, labels: tuple[str, ...]) -> Item:
    return Item(name, group=group, stratum=kind, defective=kind != FREE, label=labels.index(kind))


def _read_kind_mask(pair: _Pair, shape: tuple[int, ...], classes: tuple[str, ...]) -> Mask:
    mask = read_sized_mask(pair.mask, shape)
    value = 0 if pair.kind == FREE else classes.index(pair.kind)
    return np.where(mask > MASK_THRESHOLD, np.uint8(value), np.uint8(0))
