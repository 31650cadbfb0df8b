"""A folder per class: images without masks, for classifiers.

    ROOT/CLASS/*.png                                  grey or colour, two classes or more
    ROOT/{train,val,test}/CLASS/*.png                 a given split lives on in the names only: edgekit splits by itself

One class may be the defect-free one, if it is called so (see `NORMAL_NAMES`). If none is, every class is a defect.
Nothing tells which images show one physical thing, so every image is a group of its own.

This is the most general layout, and tried last. `find_class_images` therefore takes a folder for it only if nothing
there speaks for another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Dataset, Item, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.mask_files import index_by_stem, list_folders, list_image_files
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError

NORMAL_NAMES = ("normal", "good", "ok", "free", "nodefect", "defectfree", "background")
"""Names of the defect-free class, in any case and with or without "-", "_" and spaces: "Defect-free" is one."""

PART_NAMES = ("train", "training", "val", "valid", "validation", "test", "testing")
"""Names of folders that are parts of a given split, not classes."""

OTHER_NAMES = (
    *("images", "image", "imgs", "img", "jpegimages", "frames", "masks", "mask", "labels", "label", "gt"),
    *("annotations", "annotation", "groundtruth", "segmentation", "segmentations", "segmentationclass"),
)
"""Names of folders that hold images or masks, not a class; as `NORMAL_NAMES`, without "-", "_" and spaces."""

ANNOTATIONS = (".json", ".xml", ".txt")
"""Endings of files that, beside an image of the same name, hold its annotation: no class folder then."""

MASK_ENDINGS = ("_mask", "_label", "_gt")


@dataclass(frozen=True)
class ClassFolder:
    """The images of one class, in one part of a given split (`part` is "" where there is none)."""

    part: str
    label: str
    images: tuple[Path, ...]


class ClassFolders(Dataset):
    """Images with a class each, and no masks.

    Args:
        root: The folder that holds a folder per class, or train/, val/ and test/ with these.

    Raises:
        DatasetError: If the layout is not there, a folder is empty, or two images share a name.
    """

    classes = ()

    def __init__(self, root: Path) -> None:
        folders = find_class_images(root)
        labels = sorted({folder.label for folder in folders})
        if not labels:
            raise DatasetError(
                f"{root} does not hold two folders of images or more, a class each, and nothing else.",
                remedy="Put the images of each class in a folder of its name, such as good/ and scratch/.",
            )
        _require_filled(root)
        self.name = f"classes:{root.resolve().name}"
        self.labels = tuple(labels)
        normal = [label for label in labels if is_normal_name(label)]
        self.normal_label = normal[0] if len(normal) == 1 else None
        # Where several classes may be the defect-free one, nobody but the user knows which are.
        self._paths, self.items = self._make_items(folders, defective_known=len(normal) < 2)

    def _make_items(
        self, folders: Sequence[ClassFolder], *, defective_known: bool
    ) -> tuple[list[Path], tuple[Item, ...]]:
        paths, items = [], []
        for folder in folders:
            label = self.labels.index(folder.label)
            defective = folder.label != self.normal_label if defective_known else None
            place = f"{folder.part}/{folder.label}" if folder.part else folder.label
            for stem, path in index_by_stem(folder.images).items():
                paths.append(path)
                items.append(Item(f"{place}/{stem}", f"{place}/{stem}", folder.label, defective, label))
        return paths, tuple(items)

    def load(self, index: int) -> Sample:
        """Read one image."""
        item = self.items[index]
        image = read_image(self._paths[index], self.pixels, channels="native")
        # The stratum is the class.
        return Sample(item.name, image, None, (item.stratum,) if item.defective else ())

    def digest(self, index: int) -> str:
        """Return a hash of the image's content and its class."""
        return digest_parts(self.items[index].stratum, digest_file(self._paths[index]))


def find_class_images(root: Path) -> list[ClassFolder]:
    """Return the images of each class, or none if a folder is not in this layout beyond doubt."""
    folders = list_folders(root)
    parts = [folder for folder in folders if _plain(folder.name) in PART_NAMES]
    if parts and (len(parts) != len(folders) or list_image_files(root)):
        return []
    places = [(part, part.name) for part in parts] or [(root, "")]
    found = [_find_classes(place, part) for place, part in places]
    classes = [] if None in found else [folder for folders in found for folder in folders or ()]
    return classes if len({folder.label for folder in classes}) >= 2 else []


def is_normal_name(label: str) -> bool:
    """Tell whether a class is called as defect-free ones are."""
    return _plain(label) in NORMAL_NAMES


def _find_classes(place: Path, part: str) -> list[ClassFolder] | None:
    """Return the folders that hold images, or None if something speaks for another layout."""
    if list_image_files(place):
        return None
    images = {folder: tuple(list_image_files(folder)) for folder in list_folders(place)}
    if not all(_may_be_class(folder, found) for folder, found in images.items()):
        return None
    return [ClassFolder(part, folder.name, found) for folder, found in images.items() if found]


def _may_be_class(folder: Path, images: Sequence[Path]) -> bool:
    """Tell whether nothing speaks for another layout: no folders within, no masks, no annotations beside images."""
    if list_folders(folder) or _plain(folder.name) in (*PART_NAMES, *OTHER_NAMES):
        return False
    if any(path.stem.lower().endswith(MASK_ENDINGS) for path in images):
        return False
    stems = {path.stem for path in images}
    return not any(path.suffix.lower() in ANNOTATIONS and path.stem in stems for path in folder.iterdir())


def _require_filled(root: Path) -> None:
    """Refuse empty folders: a class whose images were lost must not vanish in silence."""
    below = [folder for part in list_folders(root) for folder in (part, *list_folders(part))]
    for folder in below:
        if not any(folder.iterdir()):
            raise DatasetError(f"{folder} is empty.", remedy="Fill the folder of this class, or take it out.")


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character not in "-_ ")
