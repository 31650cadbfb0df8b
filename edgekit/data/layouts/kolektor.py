"""KolektorSDD and KolektorSDD2 in their official layouts.

    ROOT/kosNN/PartN.jpg                        KolektorSDD: grey, about 500×1260
    ROOT/kosNN/PartN_label.bmp                  black where there is no defect

    ROOT/{train,test}/NNNNN.png                 KolektorSDD2: colour, about 230×640
    ROOT/{train,test}/NNNNN_GT.png              black where there is no defect

Every image has a mask, and an all-black one says defect-free. Any value above 0 is a defect, as the authors' own
reader takes it. The release of KolektorSDD with boxes has the same layout: its masks are filled rectangles.

The official splits are names only here: edgekit splits by itself, KolektorSDD by item.

Sources: Tabernik et al., "Segmentation-based deep-learning approach for surface-defect detection", 2020 (399 images of
50 commutators, 52 with a defect); Božič et al., "Mixed supervision for surface-defect detection", 2021 (3335 images,
356 with a defect).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Dataset, Image, Item, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.marked_masks import marks_defect, name_stratum
from edgekit.data.layouts.mask_files import (
    index_by_stem,
    list_folders,
    list_image_files,
    read_defect_mask,
    require_pairs,
)
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError

LABEL_ENDING = "_label"
TRUTH_ENDING = "_GT"
PARTS = ("train", "test")

_ITEM = re.compile(r"kos\d+")


@dataclass(frozen=True)
class _Pair:
    name: str
    image: Path
    mask: Path


class _KolektorImages(Dataset):
    """Pairs of an image and a black-and-white mask.

    Every mask is looked at when the set is opened, because nothing else says which images are defective, and a split
    of one defective image in eight has to know. That takes half a second for KolektorSDD, a few for KolektorSDD2. A
    mask that cannot be read leaves open what its image shows: `load` says why, and the others can be used.
    """

    classes = ("background", "defect")

    def __init__(self, pairs: list[_Pair], *, name: str) -> None:
        self.name = name
        self._pairs = pairs
        self.items = self._make_items([marks_defect(pair.mask) for pair in pairs])

    @abstractmethod
    def _make_items(self, defective: list[bool | None]) -> tuple[Item, ...]: ...

    @abstractmethod
    def _read_image(self, path: Path) -> Image: ...

    def load(self, index: int) -> Sample:
        """Read one image and its mask."""
        pair = self._pairs[index]
        image = self._read_image(pair.image)
        return Sample(pair.name, image, read_defect_mask(pair.mask, image.shape[:2]))

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the mask's content."""
        pair = self._pairs[index]
        return digest_parts(digest_file(pair.image), digest_file(pair.mask))

    def mask_file(self, index: int) -> Path | None:
        """Return the mask's file."""
        return self._pairs[index].mask


class KolektorSdd(_KolektorImages):
    """KolektorSDD: eight surfaces of each of 50 commutators. One commutator is one group.

    Args:
        root: The folder that holds kos01, kos02 and so on.

    Raises:
        DatasetError: If the layout is not there, an image or a mask lacks the other, or two files share a name.
    """

    def __init__(self, root: Path) -> None:
        folders = find_kolektor_items(root)
        if not folders:
            raise DatasetError(
                f"{root} holds no KolektorSDD items (kos01/Part0.jpg with kos01/Part0_label.bmp, and so on).",
                remedy="Point --data at the folder with kos01, kos02, …",
            )
        pairs = [pair for folder in folders for pair in _pair_files(folder, LABEL_ENDING, "{stem}_label.bmp")]
        super().__init__(pairs, name="kolektorsdd")

    def _make_items(self, defective: list[bool | None]) -> tuple[Item, ...]:
        groups = [pair.image.parent.name for pair in self._pairs]
        # A group lies in one stratum, so one defective surface makes the whole commutator defective.
        shown = defaultdict[str, set[bool | None]](set)
        for group, shows in zip(groups, defective, strict=True):
            shown[group].add(shows)
        return tuple(
            Item(pair.name, group, name_stratum(shown[group]), shows)
            for pair, group, shows in zip(self._pairs, groups, defective, strict=True)
        )

    def _read_image(self, path: Path) -> Image:
        return read_image(path, self.pixels)


class KolektorSdd2(_KolektorImages):
    """KolektorSDD2: every image is a group of its own, since nothing says which show one item.

    Args:
        root: The folder that holds train/ and test/.

    Raises:
        DatasetError: If the layout is not there, an image or a mask lacks the other, or two files share a name.
    """

    def __init__(self, root: Path) -> None:
        folders = find_kolektor2_parts(root)
        if not folders:
            raise DatasetError(
                f"{root} holds no KolektorSDD2 images (train/10000.png with train/10000_GT.png, and so on).",
                remedy="Point --data at the folder with train/ and test/.",
            )
        pairs = [pair for folder in folders for pair in _pair_files(folder, TRUTH_ENDING, "{stem}_GT.png")]
        super().__init__(pairs, name="kolektorsdd2")

    def _make_items(self, defective: list[bool | None]) -> tuple[Item, ...]:
        return tuple(
            Item(pair.name, pair.name, name_stratum({shows}), shows)
            for pair, shows in zip(self._pairs, defective, strict=True)
        )

    def _read_image(self, path: Path) -> Image:
        return read_image(path, self.pixels, channels="native")


def find_kolektor_items(root: Path) -> list[Path]:
    """Return the kosNN folders of a KolektorSDD root if one of them holds a label, else none."""
    folders = [folder for folder in list_folders(root) if _ITEM.fullmatch(folder.name)]
    return folders if any(_holds_masks(folder, LABEL_ENDING) for folder in folders) else []


def find_kolektor2_parts(root: Path) -> list[Path]:
    """Return train/ and test/ of a KolektorSDD2 root if one of them holds a ground truth, else none."""
    folders = [root / part for part in PARTS if (root / part).is_dir()]
    return folders if any(_holds_masks(folder, TRUTH_ENDING) for folder in folders) else []


def _holds_masks(folder: Path, ending: str) -> bool:
    return any(path.stem.endswith(ending) for path in list_image_files(folder))


def _pair_files(folder: Path, ending: str, mask_name: str) -> list[_Pair]:
    files = list_image_files(folder)
    images = index_by_stem(path for path in files if not path.stem.endswith(ending))
    masks = index_by_stem((path for path in files if path.stem.endswith(ending)), ending=ending)
    require_pairs(images, masks, mask_name=mask_name)
    if not images:
        raise DatasetError(
            f"{folder} holds no images.", remedy="Unpack the archive again, or take the empty folder out."
        )
    return [_Pair(f"{folder.name}/{stem}", images[stem], masks[stem]) for stem in images]
