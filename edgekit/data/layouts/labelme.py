"""LabelMe: one JSON file per image, beside it.

    ROOT/plate-17.jpg
    ROOT/plate-17.json      {"imagePath": "plate-17.jpg", "shapes": [{"label": "scratch", "points": [[x, y], …]}]}

Folders below ROOT are read too. An image without a file is an error: no shapes say that it is defect-free, no file may
be a slip. Classes are the labels in the order of the alphabet; later shapes lie on top. The label `_background_` (or
`background`) clears what lies under it. The folder in `imagePath` is ignored, for it is where the image was when it
was drawn on; so is the copy of the image in `imageData`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data.layouts.annotated_images import BACKGROUND, AnnotatedImage, AnnotatedImages, Region
from edgekit.data.layouts.file_trees import list_tree
from edgekit.data.layouts.json_files import mentions_keys, read_json, require
from edgekit.data.layouts.polygons import parse_points, parse_polygon
from edgekit.data.layouts.shapes import CircleShape, PolygonShape, Shape
from edgekit.media.images import is_image_file
from edgekit_runtime.errors import DatasetError

KEYS = ("imagePath", "shapes")
BACKGROUND_LABELS = (BACKGROUND, "_background_")
IGNORE_LABEL = "__ignore__"


@dataclass(frozen=True)
class _File:
    """One JSON file: its image, its shapes as (label, shape, place), and the (height, width) it names."""

    path: Path
    image: Path
    shapes: list[tuple[str, Shape, str]]
    size: tuple[int, int] | None


class LabelMe(AnnotatedImages):
    """Images with LabelMe annotations.

    Args:
        root: The folder with images and JSON files.

    Raises:
        DatasetError: If an image or a JSON file lacks the other, a file is none of LabelMe's, or a shape is of another
            kind than polygon, rectangle or circle.
    """

    def __init__(self, root: Path) -> None:
        paths = list_tree(root)
        files = [_read_file(path) for path in paths if path.suffix == ".json"]
        _refuse_unpaired(paths, files)
        kinds = sorted({label for file in files for label, _, _ in file.shapes} - set(BACKGROUND_LABELS))
        if not kinds:
            raise DatasetError(
                f"{root} holds no shape with a label in {len(files)} files.",
                remedy="Draw the defects of some images: images without any teach nothing.",
            )
        values = dict.fromkeys(BACKGROUND_LABELS, 0) | {
            kind: value for value, kind in enumerate(kinds, start=1)
        }
        images = [
            AnnotatedImage(
                name=str(file.path.relative_to(root).with_suffix("")),
                path=file.image,
                regions=tuple(Region(shape, values[label], where) for label, shape, where in file.shapes),
                size=file.size,
            )
            for file in files
        ]
        super().__init__(
            f"labelme:{root.resolve().name}",
            kinds,
            images,
            boxes_as_masks=True,  # a rectangle is a shape that somebody chose, like a polygon
        )


def is_labelme_folder(root: Path) -> bool:
    """Tell whether the first JSON file of the folder, or of a folder in it, is one of LabelMe."""
    for pattern in ("*.json", "*/*.json"):
        for path in sorted(root.glob(pattern)):
            if path.name.startswith("."):
                continue
            return mentions_keys(path, KEYS)
    return False


def _read_file(path: Path) -> _File:
    content = read_json(path)
    # The name alone: a path of another machine, or one that climbs out of the folder, leads nowhere.
    name = require(content, "imagePath", str, path.name).replace("\\", "/").rpartition("/")[2]
    image = path.with_name(name) if name.isprintable() and name not in ("", ".", "..") else path
    if not is_image_file(image) or not image.is_file():
        raise DatasetError(
            f"{path} is for the image {name[:80]!r}, which is not beside it.",
            remedy="Put image and JSON file into one folder, or take the file out.",
        )
    shapes = [
        _read_shape(entry, f"{path.name}, shapes[{number}]")
        for number, entry in enumerate(require(content, "shapes", list, path.name))
    ]
    size = None
    if content.get("imageHeight") is not None and content.get("imageWidth") is not None:
        size = (
            require(content, "imageHeight", int, path.name),
            require(content, "imageWidth", int, path.name),
        )
    return _File(path, image, shapes, size)


def _read_shape(entry: Any, where: str) -> tuple[str, Shape, str]:
    """Return label, shape and place."""
    label, pairs = require(entry, "label", str, where), require(entry, "points", list, where)
    if label == IGNORE_LABEL:
        raise DatasetError(
            f"{where}: the label {IGNORE_LABEL!r} has no meaning here: every pixel counts.",
            remedy="Give the region a class, or take the image out.",
        )
    kind = entry.get("shape_type") or "polygon"  # early releases wrote none, or null
    if kind == "rectangle" and len(pairs) == 2:
        (left, top), (right, bottom) = parse_points(pairs, where)
        return (
            label,
            PolygonShape((np.array([(left, top), (right, top), (right, bottom), (left, bottom)]),)),
            where,
        )
    if kind in ("polygon", "rectangle"):
        return label, PolygonShape((parse_polygon(pairs, where),)), where
    if kind == "circle" and len(pairs) == 2:
        (x, y), (edge_x, edge_y) = parse_points(pairs, where).tolist()
        return label, CircleShape((x, y), math.hypot(edge_x - x, edge_y - y)), where
    raise DatasetError(
        f"{where}: a {str(kind)[:40]} of {len(pairs)} points has no area that edgekit knows; expected a polygon, or a "
        "rectangle or circle of two points.",
        remedy="Draw the region as a polygon.",
    )


def _refuse_unpaired(paths: Sequence[Path], files: Sequence[_File]) -> None:
    claimed: dict[Path, Path] = {}
    for file in files:
        if file.image in claimed:
            raise DatasetError(
                f"{file.path} and {claimed[file.image]} are both for {file.image}.",
                remedy="Take one of them out.",
            )
        claimed[file.image] = file.path
    alone = [path for path in paths if is_image_file(path) and path not in claimed]
    if alone:
        raise DatasetError(
            f"{len(alone)} images have no LabelMe file, such as {alone[0]}.",
            remedy="Where there is no defect, save a file with an empty list of shapes.",
        )
