"""Images with boxes in the layout of Pascal VOC.

    ROOT/JPEGImages/plate-17.jpg
    ROOT/Annotations/plate-17.xml      no <object> means no defect

Boxes are no masks. A network that segments can be trained on filled boxes, but only if a person asks for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Dataset, Item, Sample, digest_parts
from edgekit.data.file_digests import digest_file
from edgekit.data.layouts.mask_files import index_by_stem, list_image_files
from edgekit.data.layouts.voc_annotations import Annotation, fill_boxes, read_annotation
from edgekit.media.images import read_image
from edgekit_runtime.errors import DatasetError

IMAGES, ANNOTATIONS = "JPEGImages", "Annotations"
BACKGROUND, NORMAL = "background", "normal"
MASK_REMEDY = (
    "These data have boxes only: add --boxes-as-masks to train on filled boxes, which are no true outlines."
)


@dataclass(frozen=True)
class BoxedImage:
    """An image and its boxes."""

    image: Path
    annotation: Annotation


class BoxDataset(Dataset):
    """Images with boxes, which become masks if that was asked for.

    Args:
        name: See `Dataset`.
        files: The images.
        items: Their items, in the same order.
        kinds: What the boxes name, in the order of the mask's values.
        boxes_as_masks: Whether filled boxes are masks; else the dataset has none.
    """

    mask_remedy = MASK_REMEDY

    def __init__(
        self,
        name: str,
        files: Sequence[BoxedImage],
        items: Sequence[Item],
        *,
        kinds: Sequence[str],
        boxes_as_masks: bool,
    ) -> None:
        self.name = name
        self.items = tuple(items)
        self.classes = (BACKGROUND, *kinds) if boxes_as_masks else ()
        self._files = tuple(files)
        self._values = {kind: value for value, kind in enumerate(self.classes)}

    def load(self, index: int) -> Sample:
        """Read one image, and fill its boxes where they are masks."""
        files = self._files[index]
        image = read_image(files.image, self.pixels, channels="native")
        height, width = image.shape[:2]
        files.annotation.require_fit((height, width))
        mask = fill_boxes(files.annotation.boxes, (height, width), self._values) if self.classes else None
        return Sample(self.items[index].name, image, mask, files.annotation.kinds)

    def digest(self, index: int) -> str:
        """Return a hash of the image's and the annotation's content."""
        files = self._files[index]
        return digest_parts(digest_file(files.image), digest_file(files.annotation.path))


class VocBoxes(BoxDataset):
    """A folder with `JPEGImages/` and `Annotations/`.

    It has no class per image, but tells defective images from others: a classifier of these two can use it, and with
    `boxes_as_masks` a network that segments.

    Args:
        root: The folder that holds both.
        boxes_as_masks: Whether filled boxes are masks.
        include_normal: Whether to take images without a box.

    Raises:
        DatasetError: If a folder is missing or empty, an image or an annotation lacks the other, an annotation
            cannot be used, or there is no box at all.
    """

    def __init__(self, root: Path, *, boxes_as_masks: bool = False, include_normal: bool = True) -> None:
        found = pair_boxes(root / IMAGES, root / ANNOTATIONS)
        kinds = sorted({kind for entry in found for kind in entry.annotation.kinds})
        if not kinds:
            raise DatasetError(
                f"No annotation in {root / ANNOTATIONS} has a box.",
                remedy="Each defect is an <object> with <name> and <bndbox>.",
            )
        if BACKGROUND in kinds:
            raise DatasetError(
                f"Boxes in {root / ANNOTATIONS} are of the kind {BACKGROUND!r}, which means all that no box holds.",
                remedy="Give the kind another name.",
            )
        files = [entry for entry in found if include_normal or entry.annotation.boxes]
        rarity = Counter(kind for entry in files for kind in entry.annotation.kinds)
        items = [_make_item(entry, rarity) for entry in files]
        super().__init__(
            f"voc:{root.resolve().name}", files, items, kinds=kinds, boxes_as_masks=boxes_as_masks
        )


def is_voc_boxes(root: Path) -> bool:
    """Tell whether a folder holds images and XML annotations as VOC names them."""
    return (root / IMAGES).is_dir() and any((root / ANNOTATIONS).glob("*.xml"))


def pair_boxes(images: Path, annotations: Path) -> list[BoxedImage]:
    """Return the images of one folder with their annotations of another, by stem, sorted.

    Raises:
        DatasetError: If a folder is missing or empty, an image or an annotation lacks the other, or an annotation
            cannot be used.
    """
    found = _index_files(images, list_image_files(images), "images")
    boxes = _index_files(annotations, _list_xml_files(annotations), "XML files")
    _require_pairs(found, boxes, "image", "annotation")
    _require_pairs(boxes, found, "annotation", "image")
    return [BoxedImage(found[stem], read_annotation(boxes[stem])) for stem in found]


def _make_item(files: BoxedImage, rarity: Mapping[str, int]) -> Item:
    """Make an item whose stratum is the rarest kind that it shows: the one that a part may come to lack."""
    kinds = files.annotation.kinds
    stratum = min(kinds, key=lambda kind: (rarity[kind], kind)) if kinds else NORMAL
    name = files.image.stem
    return Item(name, group=name, stratum=stratum, defective=bool(kinds))


def _list_xml_files(folder: Path) -> list[Path]:
    # Archives packed on a Mac hold a hidden "._NAME.xml" beside each file, which is no XML.
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in files if path.suffix.lower() == ".xml" and not path.name.startswith(".")]


def _index_files(folder: Path, paths: Iterable[Path], what: str) -> dict[str, Path]:
    found = index_by_stem(paths)
    if not found:
        raise DatasetError(f"{folder} holds no {what}.", remedy="Restore them from where the data came.")
    return found


def _require_pairs(present: Mapping[str, Path], other: Mapping[str, Path], what: str, missing: str) -> None:
    alone = sorted(present.keys() - other.keys())
    if alone:
        raise DatasetError(
            f"{len(alone)} of {len(present)} {what}s have no {missing}, such as {present[alone[0]]}.",
            remedy=f"Add the {missing}s, or take the {what}s out; an image without a defect has an annotation "
            "without <object>.",
        )
