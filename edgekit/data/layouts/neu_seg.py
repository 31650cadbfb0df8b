"""NEU-Seg, pixel labels of steel surface defects (Dong et al. 2020), in its official layout.

    ROOT/NEU_Seg/images/{training,test}/NNNNNN.jpg          200×200, RGB with three equal channels
    ROOT/NEU_Seg/annotations/{training,test}/NNNNNN.png     0 background, 1 inclusion, 2 patches, 3 scratches
    ROOT/groups.csv                                         optional: image, source_a, source_b

ROOT or NEU_Seg may be opened; groups.csv may lie in either. The official split into training and test is not kept:
rotated copies of one picture lie in both. Where groups.csv is there, pictures made from one source are one group;
without it each image is a group of its own, and the search for duplicates finds the copies.

Source: H. Dong et al., "PGA-Net: Pyramid Feature Fusion and Global Context Attention Network for Automated Surface
Defect Detection", IEEE Transactions on Industrial Informatics 16(12), 2020.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.groups_file import GroupsTable, join_groups, read_groups_file
from edgekit.data.layouts.marked_masks import NORMAL, UNREADABLE
from edgekit.data.layouts.mask_files import (
    index_by_stem,
    list_image_files,
    read_black_and_white,
    read_sized_mask,
    require_pairs,
)
from edgekit.data.strata import share_strata
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError, MaskError

FOLDER, IMAGES, ANNOTATIONS = "NEU_Seg", "images", "annotations"
PARTS = ("training", "test")
SOURCE_A, SOURCE_B = "source_a", "source_b"


@dataclass(frozen=True)
class _Pair:
    image: Path
    mask: Path


class NeuSeg(Dataset):
    """Images with inclusions, patches or scratches.

    Args:
        root: The folder that holds NEU_Seg, or NEU_Seg itself.

    Raises:
        DatasetError: If the layout is not there, an image or a mask lacks the other, or groups.csv does not fit.
    """

    classes = ("background", "inclusion", "patches", "scratches")

    def __init__(self, root: Path) -> None:
        folder = find_neu_seg(root)
        if folder is None:
            raise DatasetError(
                f"{root} holds no NEU-Seg images (NEU_Seg/images/training and so on).",
                remedy="Point --data at the folder NEU_Seg, or at the one that holds it.",
            )
        pairs = _pair_files(folder)
        self.name = "neu-seg"
        self._pairs = tuple(pairs.values())
        table = _find_sources(folder)
        groups = {name: name for name in pairs} if table is None else _group_by_source(table, pairs)
        self.items = share_strata(
            [self._make_item(name, groups[name], pair.mask) for name, pair in pairs.items()]
        )

    def load(self, index: int) -> Sample:
        """Read one image and its mask."""
        pair = self._pairs[index]
        image = read_image(pair.image, self.pixels)
        mask = self._check_values(read_sized_mask(pair.mask, image.shape[:2]), pair.mask)
        kinds = sorted(self.classes[value] for value in np.unique(mask) if value)
        return Sample(self.items[index].name, image, mask, tuple(kinds))

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content."""
        pair = self._pairs[index]
        return digest_parts(digest_file(pair.image), digest_file(pair.mask))

    def mask_file(self, index: int) -> Path:
        """Return the mask's file."""
        return self._pairs[index].mask

    def _make_item(self, name: str, group: str, mask_path: Path) -> Item:
        """Make an item whose stratum is the kind that covers the most of its mask.

        The mask is read once for that: the names of the files do not tell the kind, and the small masks cost a
        fraction of a millisecond each. One that cannot be used must not stop the rest from being opened.
        """
        try:
            mask = self._check_values(read_black_and_white(mask_path), mask_path)
        except MaskError:
            return Item(name, group, UNREADABLE, defective=None)
        pixels = np.bincount(mask.ravel(), minlength=len(self.classes))[1:]
        stratum = self.classes[1 + int(pixels.argmax())] if pixels.any() else NORMAL
        return Item(name, group, stratum, defective=bool(pixels.any()))

    def _check_values(self, mask: Mask, path: Path) -> Mask:
        unknown = [int(value) for value in np.unique(mask) if value >= len(self.classes)]
        if unknown:
            named = ", ".join(f"{value} {name}" for value, name in enumerate(self.classes))
            raise MaskError(
                f"The mask {path} holds the value{'s' * (len(unknown) > 1)} "
                f"{', '.join(map(str, unknown[:5]))}; expected {named}.",
                remedy="Restore it from the official download; a mask must not pass through JPEG or smoothing.",
            )
        return mask


def find_neu_seg(root: Path) -> Path | None:
    """Return the folder NEU_Seg of a root, or the root itself if it is one; None where it is neither."""
    for folder in (root, root / FOLDER):
        if any(
            (folder / "images" / part).is_dir() and (folder / "annotations" / part).is_dir() for part in PARTS
        ):
            return folder
    return None


def _pair_files(folder: Path) -> dict[str, _Pair]:
    found: dict[str, _Pair] = {}
    for part in PARTS:
        images = index_by_stem(list_image_files(folder / IMAGES / part))
        masks = index_by_stem(list_image_files(folder / ANNOTATIONS / part))
        require_pairs(images, masks, mask_name=f"{folder / ANNOTATIONS / part}/{{stem}}.png")
        found |= {f"{part}/{stem}": _Pair(images[stem], masks[stem]) for stem in images}
    if not found:
        raise DatasetError(
            f"{folder / IMAGES} holds no images in {' or '.join(PARTS)}.",
            remedy="Restore them from the official download.",
        )
    return found


def _find_sources(folder: Path) -> GroupsTable | None:
    places = (folder, folder.resolve().parent) if folder.resolve().name == FOLDER else (folder,)
    for place in places:
        table = read_groups_file(place)
        if table is not None and SOURCE_A in table.columns:
            return table
    return None


def _group_by_source(table: GroupsTable, names: Collection[str]) -> dict[str, str]:
    """Return each image's group: the least of the sources that are linked, directly or by an image made of two."""
    first = table.column(SOURCE_A, names)
    second = table.assign(names)
    least = join_groups({first[name], second[name].get(SOURCE_B) or first[name]} for name in names)
    return {name: least[first[name]] for name in names}
