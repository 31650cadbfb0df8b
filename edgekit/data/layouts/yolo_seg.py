"""YOLO segmentation: one text file per image, with a polygon per line in shares of the image's width and height.

    ROOT/images/train/0001.jpg            or ROOT/train/images/0001.jpg, or ROOT/images/0001.jpg
    ROOT/labels/train/0001.txt            the same path with `labels` for `images`
    ROOT/data.yaml or ROOT/classes.txt    names of the classes; without, they are called class0, class1, …

A line is `class x1 y1 x2 y2 x3 y3 …`; later lines lie on top. A line of five numbers is a box `class x y width height`
around the centre (x, y). An empty file says that the image is defect-free. YOLO takes a missing file for the same; here
it is an error, for it may be a slip.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgekit.data.layouts.annotated_images import AnnotatedImage, AnnotatedImages, Region
from edgekit.data.layouts.file_trees import list_tree
from edgekit.data.layouts.polygons import parse_polygon
from edgekit.data.layouts.shapes import BoxShape, PolygonShape
from edgekit.data.layouts.yolo_names import read_class_names, read_text, read_yaml_names
from edgekit.media.images import is_image_file
from edgekit_runtime.errors import DatasetError

IMAGES, LABELS = "images", "labels"
NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml")
CLASS_FILES = ("classes.txt", "labels/classes.txt")

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_CLASS = re.compile(r"[0-9]{1,4}(?:\.0)?")
BOX_NUMBERS = 4
FURTHEST = 100.0
"""Corners a little outside the image are clipped; numbers beyond this are pixels, which are not what YOLO writes."""


class YoloSeg(AnnotatedImages):
    """Images with YOLO segmentation labels.

    Args:
        root: The folder that holds images/ and labels/, or folders that do.
        boxes_as_masks: Take boxes for masks.

    Raises:
        DatasetError: If an image or a label file lacks the other, a line cannot be read, or a class has no name.
    """

    def __init__(self, root: Path, *, boxes_as_masks: bool = False) -> None:
        pairs = _pair_files(root)
        images = [
            AnnotatedImage(name=_name_item(root, image), path=image, regions=_read_labels(root, label))
            for image, label in pairs.items()
        ]
        super().__init__(
            f"yolo:{root.resolve().name}",
            _name_kinds(root, images),
            images,
            boxes_as_masks=boxes_as_masks,
        )


def is_yolo_folder(root: Path) -> bool:
    """Tell whether the folder, or one in it, holds images/ and labels/ and a text file in the latter."""
    return any(
        (folder / IMAGES).is_dir() and any(path.suffix == ".txt" for path in list_tree(folder / LABELS))
        for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir()))
    )


def _pair_files(root: Path) -> dict[Path, Path]:
    """Return the label file of each image, in the order of the images' paths."""
    paths = list_tree(root)
    images = [path for path in paths if is_image_file(path) and _find_part(root, path, IMAGES)]
    if not images:
        raise DatasetError(
            f"{root} holds no images in images/.", remedy="Put images in images/, labels in labels/."
        )
    pairs = {image: _locate_label(root, image) for image in images}
    missing = [image for image, label in pairs.items() if not label.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(images)} images have no label file, such as {missing[0]}.",
            remedy=f"Where there is no defect, save an empty {pairs[missing[0]].relative_to(root)}: YOLO takes a "
            "missing file for that, but here it may be a slip.",
        )
    names = {root / name for name in CLASS_FILES}
    texts = [path for path in paths if path.suffix == ".txt" and path not in names]
    labels = [path for path in texts if _find_part(root, path, LABELS)]
    orphans = sorted(set(labels) - set(pairs.values()))
    if orphans:
        raise DatasetError(
            f"{len(orphans)} of {len(labels)} label files have no image, such as {orphans[0]}.",
            remedy="Add the images, or take these files out: a lost image must not go unnoticed.",
        )
    return pairs


def _find_part(root: Path, path: Path, folder: str) -> int | None:
    """Return how many folders from the end of a path the last one of that name is; None if none is."""
    parents = path.relative_to(root).parts[:-1]
    return next((place for place, name in enumerate(reversed(parents), start=1) if name == folder), None)


def _locate_label(root: Path, image: Path) -> Path:
    place = _find_part(root, image, IMAGES)
    assert place is not None
    parts = list(image.relative_to(root).parts)
    parts[-1 - place] = LABELS
    return root.joinpath(*parts).with_suffix(".txt")


def _name_item(root: Path, image: Path) -> str:
    place = _find_part(root, image, IMAGES)
    assert place is not None
    parts = list(image.relative_to(root).with_suffix("").parts)
    del parts[-1 - place]
    return "/".join(parts)


def _read_labels(root: Path, path: Path) -> tuple[Region, ...]:
    name = path.relative_to(root)
    lines = enumerate(read_text(path).split("\n"), start=1)
    return tuple(_read_line(line.split(), f"{name}, line {number}") for number, line in lines if line.strip())


def _read_line(words: list[str], where: str) -> Region:
    numbers = [float(word) for word in words[1:] if _NUMBER.fullmatch(word)]
    is_complete = _CLASS.fullmatch(words[0]) and len(numbers) == len(words) - 1
    if not is_complete or any(abs(number) > FURTHEST for number in numbers):
        raise DatasetError(
            f"{where}: expected a class and shares of width and height, got {' '.join(words)[:60]!r}.",
            remedy="Export the labels again in YOLO's segmentation format.",
        )
    value = int(float(words[0])) + 1
    if len(numbers) == BOX_NUMBERS:
        x, y, width, height = numbers
        if min(width, height) <= 0:
            raise DatasetError(
                f"{where}: a box must have a positive width and height.", remedy="Draw it again."
            )
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return Region(BoxShape(box, normalised=True), value, where)
    if len(numbers) % 2:
        raise DatasetError(f"{where}: an odd count of coordinates.", remedy="Export the labels again.")
    points = parse_polygon(np.reshape(numbers, (-1, 2)).tolist(), where)
    return Region(PolygonShape((points,), normalised=True), value, where)


def _name_kinds(root: Path, images: list[AnnotatedImage]) -> list[str]:
    used = {region.value: region.where for image in images for region in image.regions}
    count = max(used, default=1)
    names = _read_names(root) or [f"class{index}" for index in range(count)]
    if count > len(names):
        raise DatasetError(
            f"{used[count]}: class {count - 1} has no name; there are names for 0 to {len(names) - 1}.",
            remedy="Add the name to data.yaml or classes.txt, or mend the line.",
        )
    return names


def _read_names(root: Path) -> list[str] | None:
    for name in NAME_FILES:
        if (root / name).is_file():
            return read_yaml_names(root / name)
    for name in CLASS_FILES:
        if (root / name).is_file():
            return read_class_names(root / name)
    return None
