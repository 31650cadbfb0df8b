"""DAGM 2007 in its official layout.

    ROOT/ClassN/{Train,Test}/NNNN.PNG
    ROOT/ClassN/{Train,Test}/Label/NNNN_label.PNG      a filled ellipse; no file means no defect

ROOT or one ClassN may be opened. Suffixes are matched in either case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Item, Mask, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.mask_files import index_by_stem, list_image_files, require_shape
from edgekit.media.images import read_image, read_mask
from edgekit_runtime.errors import DatasetError

LABEL_THRESHOLD = 127
"""Labels are black and white; the authors read them as 1-bit images, which splits here."""

FOLDERS = ("Train", "Test")
LABEL_ENDING = "_label"
_CLASS = re.compile(r"Class(\d+)")


@dataclass(frozen=True)
class _Files:
    image: Path
    label: Path | None


class Dagm2007(Dataset):
    """Images of one or all classes.

    Args:
        root: The folder that holds Class1, Class2 and so on, or one of these.
        include_normal: Whether images without a label are items too; the paper trains on defective ones only.

    Raises:
        DatasetError: If the layout is not there, two files share a name, a label has no image, or no image is left.
    """

    classes = ("background", "defect")

    def __init__(self, root: Path, *, include_normal: bool = False) -> None:
        class_folders = find_class_folders(root)
        if not class_folders:
            raise DatasetError(
                f"{root} holds no DAGM 2007 classes (Class1/Train and so on).",
                remedy="Point --data at the folder with Class1, Class2, … or at one of them.",
            )
        self.name = "dagm2007" + (f":{class_folders[0].name}" if len(class_folders) == 1 else "")
        files: list[_Files] = []
        items: list[Item] = []
        for folder in class_folders:
            for entry in _list_images(folder):
                if entry.label is not None or include_normal:
                    files.append(entry)
                    items.append(_make_item(folder, entry))
        if not items:
            raise DatasetError(
                f"{root} holds no image with a label in Label/.",
                remedy="Defect-free images are left out by default; add --include-normal to take them.",
            )
        self._files = files
        self.items = tuple(items)

    def load(self, index: int) -> Sample:
        """Read one image and its label."""
        files = self._files[index]
        image = read_image(files.image, self.pixels)
        return Sample(self.items[index].name, image, _read_label(files, image.shape[:2]))

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the label's content."""
        files = self._files[index]
        label = digest_file(files.label) if files.label else "none"
        return digest_parts(digest_file(files.image), label)

    def mask_file(self, index: int) -> Path | None:
        """Return the label; None for a defect-free image."""
        return self._files[index].label


def find_class_folders(root: Path) -> list[Path]:
    """Return the ClassN folders of a DAGM root, by number; the root itself if it is one; else none."""
    # "." and a link to ClassN are such a folder, and so is a link of that name to a folder of another.
    for itself in (root.absolute(), root.resolve()):
        if _is_class_folder(itself):
            return [itself]
    if not root.is_dir():
        return []
    found = [folder for folder in root.iterdir() if _is_class_folder(folder)]
    return sorted(found, key=lambda folder: (_class_number(folder), folder.name))


def _is_class_folder(folder: Path) -> bool:
    return bool(_CLASS.fullmatch(folder.name)) and any((folder / part).is_dir() for part in FOLDERS)


def _class_number(folder: Path) -> int:
    return int(folder.name.removeprefix("Class"))


def _list_images(folder: Path) -> list[_Files]:
    found = []
    for part in FOLDERS:
        images = index_by_stem(list_image_files(folder / part))
        labels = index_by_stem(list_image_files(folder / part / "Label"), ending=LABEL_ENDING)
        _refuse_orphans(images, labels)
        found += [_Files(path, labels.get(stem)) for stem, path in images.items()]
    return found


def _refuse_orphans(images: Collection[str], labels: Mapping[str, Path]) -> None:
    """Refuse labels of no image: their image was lost, or is called otherwise and would count as defect-free."""
    orphans = sorted(set(labels) - set(images))
    if orphans:
        raise DatasetError(
            f"{len(orphans)} of {len(labels)} labels have no image, such as {labels[orphans[0]]}.",
            remedy=f"Call the label of NNNN.PNG NNNN{LABEL_ENDING}.PNG, add the image, or take the label out: an image "
            "without a label counts as defect-free.",
        )


def _make_item(folder: Path, files: _Files) -> Item:
    name = f"{folder.name}/{files.image.parent.name}/{files.image.stem}"
    defective = files.label is not None
    stratum = f"{folder.name}/{'defective' if defective else 'normal'}"
    return Item(name, group=name, stratum=stratum, defective=defective)


def _read_label(files: _Files, shape: tuple[int, ...]) -> Mask:
    if files.label is None:
        return np.zeros(shape, np.uint8)
    label = read_mask(files.label)
    require_shape(files.label, label, shape)
    return (label > LABEL_THRESHOLD).astype(np.uint8)
