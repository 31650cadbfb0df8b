"""AITEX fabric images in their official layout: three archives, unpacked side by side.

    ROOT/Defect_images/NNNN_DDD_FF.png              strips of 4096×256, one 3796 wide
    ROOT/Mask_images/NNNN_DDD_FF_mask.png           or several, _mask1.png and _mask2.png: their union counts
    ROOT/NODefect_images/FABRIC/NNNN_000_FF.png     defect-free

DDD is the code of the defect, FF that of the fabric. Any mask value above 0 is a defect.

What the official archives hold besides: `0100_025_08` has no mask and the mask of `0106_010_03` is all black (both are
left out as long as that is so, see `Aitex.left_out`), and one defect-free image is called `0018_00_01`.

Which strips come from one roll is not known, so every image is a group of its own, and a split may place neighbours of
one roll in different parts. The strips are padded with white where the fabric ends, in some fabrics the defect-free
ones more than the defective ones: a classifier of whole strips may learn the padding.

Source: Silvestre-Blanes et al., "A public fabric database for defect detection methods and results", 2019 (105
defective and 140 defect-free images announced; the archives hold 106 and 141).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.mask_files import (
    index_by_stem,
    list_folders,
    list_image_files,
    read_black_and_white,
    read_defect_mask,
    require_pairs,
)
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError

DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER = "Defect_images", "Mask_images", "NODefect_images"

KINDS = {
    "002": "broken end",
    "006": "broken yarn",
    "010": "broken pick",
    "016": "weft curling",
    "019": "fuzzy ball",
    "022": "cut selvage",
    "023": "crease",
    "025": "warp ball",
    "027": "knots",
    "029": "contamination",
    "030": "nep",
    "036": "weft crack",
}
"""Names of the defects by their code: table 1 of the paper."""

UNMARKED = ("0100_025_08", "0106_010_03")
"""Defective images that the official archives leave without a marked pixel: a network would learn their defects as
background."""

_DEFECTIVE_NAME = re.compile(r"\d+_(?P<code>\d{3})_(?P<fabric>\d{2})")
_NORMAL_NAME = re.compile(r"\d+_0+_(?P<fabric>\d{2})")
_MASK_ENDING = re.compile(r"_mask\d*$")


@dataclass(frozen=True)
class _Strip:
    image: Path
    masks: tuple[Path, ...]
    kinds: tuple[str, ...]
    item: Item


class Aitex(Dataset):
    """Strips of fabric, defective and defect-free.

    Attributes:
        left_out: Names of the defective images that no mask marks; see `UNMARKED`.

    Args:
        root: The folder that holds Defect_images, Mask_images and NODefect_images.

    Raises:
        DatasetError: If a folder is missing or empty, a name is not of the official form, two files share one, or an
            image or a mask lacks the other.
        MaskError: If a mask of `UNMARKED` cannot be read.
    """

    classes = ("background", "defect")

    def __init__(self, root: Path) -> None:
        defective, self.left_out = _list_defective(root)
        self._strips = [*defective, *_list_normal(root)]
        self.name = "aitex"
        self.items = tuple(strip.item for strip in self._strips)

    def load(self, index: int) -> Sample:
        """Read one strip and the union of its masks."""
        strip = self._strips[index]
        image = read_image(strip.image, self.pixels)
        mask: Mask = np.zeros(image.shape, np.uint8)
        for path in strip.masks:
            mask |= read_defect_mask(path, image.shape)
        return Sample(strip.item.name, image, mask, strip.kinds)

    def digest(self, index: int) -> str:
        """Return a hash of the content of the image and its masks."""
        strip = self._strips[index]
        return digest_parts(*(digest_file(path) for path in (strip.image, *strip.masks)))

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file; None for a defect-free image, and where the mask is the union of several files."""
        masks = self._strips[index].masks
        return masks[0] if len(masks) == 1 else None


def is_aitex(root: Path) -> bool:
    """Tell whether a folder holds the unpacked archives, or a part of them."""
    return (root / DEFECT_FOLDER).is_dir() or (root / NORMAL_FOLDER).is_dir()


def _list_defective(root: Path) -> tuple[list[_Strip], tuple[str, ...]]:
    images = index_by_stem(_require_images(root / DEFECT_FOLDER, list_image_files(root / DEFECT_FOLDER)))
    masks = _find_masks(_require_images(root / MASK_FOLDER, list_image_files(root / MASK_FOLDER)))
    left_out = [stem for stem in UNMARKED if stem in images and not _marks_any_pixel(masks.get(stem, ()))]
    for stem in left_out:
        images.pop(stem)
        masks.pop(stem, None)
    require_pairs(
        images,
        {stem: paths[0] for stem, paths in masks.items()},
        mask_name=f"{MASK_FOLDER}/{{stem}}_mask.png",
    )
    strips = [_make_defective(stem, image, masks[stem]) for stem, image in images.items()]
    return strips, tuple(f"{DEFECT_FOLDER}/{stem}" for stem in left_out)


def _make_defective(stem: str, image: Path, masks: tuple[Path, ...]) -> _Strip:
    found = _match_name(_DEFECTIVE_NAME, image, form="NNNN_DDD_FF.png")
    kind = KINDS.get(found["code"], f"defect {found['code']}")
    name = f"{DEFECT_FOLDER}/{stem}"
    return _Strip(image, masks, (kind,), Item(name, name, f"{found['fabric']}/defective", defective=True))


def _list_normal(root: Path) -> list[_Strip]:
    folder = root / NORMAL_FOLDER
    by_place = {place: list_image_files(place) for place in (folder, *list_folders(folder))}
    _require_images(folder, [path for paths in by_place.values() for path in paths])
    strips = []
    for paths in by_place.values():
        for stem, image in index_by_stem(paths).items():
            found = _match_name(_NORMAL_NAME, image, form="NNNN_000_FF.png")
            name = (image.parent.relative_to(root) / stem).as_posix()
            item = Item(name, name, f"{found['fabric']}/normal", defective=False)
            strips.append(_Strip(image, (), (), item))
    return strips


def _find_masks(paths: list[Path]) -> dict[str, tuple[Path, ...]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in index_by_stem(paths).values():
        if not _MASK_ENDING.search(path.stem):
            raise DatasetError(
                f"{path} is not called as the masks of AITEX are (NNNN_DDD_FF_mask.png).",
                remedy=f"Keep nothing but the masks in {MASK_FOLDER}.",
            )
        found[_MASK_ENDING.sub("", path.stem)].append(path)
    return {stem: tuple(masks) for stem, masks in found.items()}


def _marks_any_pixel(masks: tuple[Path, ...]) -> bool:
    return any(read_black_and_white(mask).any() for mask in masks)


def _match_name(pattern: re.Pattern[str], path: Path, *, form: str) -> re.Match[str]:
    found = pattern.fullmatch(path.stem)
    if found is None:
        raise DatasetError(
            f"{path} is not called as the images of AITEX are here ({form}: number, defect, fabric).",
            remedy="Restore the official name: it says which fabric and which defect the image shows.",
        )
    return found


def _require_images(folder: Path, found: list[Path]) -> list[Path]:
    if not found:
        raise DatasetError(
            f"{folder} holds no images.",
            remedy=f"Unpack all three archives side by side: {DEFECT_FOLDER}, {MASK_FOLDER} and {NORMAL_FOLDER}.",
        )
    return found
