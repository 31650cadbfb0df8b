"""COCO instances: one JSON file for many images.

    ROOT/annotations/instances_train.json      or ROOT/*.json, or ROOT/train/_annotations.coco.json
    ROOT/images/0001.jpg                       or ROOT/train/0001.jpg, or beside the JSON file

Every image is listed, so that one without annotations is stated to be defect-free. Several files are read as one
dataset, whose items' names then begin with the split, such as "train2017/0001". Where a file is called `instances…`,
only such files are read: the official archives hold captions and key points of the same images beside them.

A region is drawn from its polygons (their union) or its run lengths; `iscrowd` makes no difference. Later annotations
lie on top. Mask values follow the categories in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from edgekit.data.layouts.annotated_images import AnnotatedImage, AnnotatedImages, Region
from edgekit.data.layouts.json_files import REMEDY, mentions_keys, read_json, require
from edgekit.data.layouts.polygons import LARGEST_COORDINATE, parse_polygon
from edgekit.data.layouts.run_lengths import decompress_counts
from edgekit.data.layouts.shapes import BoxShape, PolygonShape, RunLengthShape, Shape
from edgekit_runtime.errors import DatasetError

PATTERNS = ("annotations/*.json", "*.json", "*/_annotations.coco.json")
"""Where annotation files are looked for; the first that finds any decides."""

KEYS = ("images", "annotations")
"""What a file is recognised by; without `categories`, or cut off before them, it is refused rather than overlooked."""

INSTANCES = "instances"


@dataclass(frozen=True)
class _File:
    """One annotation file: where it is, the split that its place names, and what it holds."""

    path: Path
    split: str
    content: Any

    def list(self, key: str) -> list[Any]:
        return require(self.content, key, list, self.path.name)


class Coco(AnnotatedImages):
    """Images with COCO annotations.

    Args:
        root: The folder with the annotation files.
        boxes_as_masks: Take boxes for masks where an annotation has no segmentation.

    Raises:
        DatasetError: If there is no such file, it does not hold what COCO promises, a path leaves the folder, an image
            is missing or listed twice, or the files name different categories.
    """

    def __init__(self, root: Path, *, boxes_as_masks: bool = False) -> None:
        paths = find_annotation_files(root)
        if not paths:
            raise DatasetError(
                f"{root} holds no COCO annotations ({' or '.join(PATTERNS)}).",
                remedy="A COCO file is JSON with the lists images, annotations and categories.",
            )
        files = [_File(path, _name_split(path), read_json(path)) for path in paths]
        categories = _read_categories(files)
        values = {category: value for value, category in enumerate(sorted(categories), start=1)}
        images = [
            image for file in files for image in _read_images(root, file, values, prefix=len(files) > 1)
        ]
        _refuse_doubles(images)
        super().__init__(
            f"coco:{root.resolve().name}",
            [categories[category] for category in values],
            images,
            boxes_as_masks=boxes_as_masks,
        )


def find_annotation_files(root: Path) -> list[Path]:
    """Return the COCO instance files of a folder, sorted; none if it holds none."""
    for pattern in PATTERNS:
        shown = [path for path in sorted(root.glob(pattern)) if not path.name.startswith(".")]
        found = [path for path in shown if mentions_keys(path, KEYS)]
        if found:
            return [path for path in found if path.name.startswith(INSTANCES)] or found
    return []


def _name_split(path: Path) -> str:
    if path.name.startswith("_annotations"):
        return path.parent.name
    return path.stem.removeprefix(INSTANCES).strip("_-") or path.stem


def _read_categories(files: Sequence[_File]) -> dict[int, str]:
    """Return the names by id, which must be the same in every file."""
    first: dict[int, str] | None = None
    for file in files:
        found: dict[int, str] = {}
        for number, entry in enumerate(file.list("categories")):
            where = f"{file.path.name}, categories[{number}]"
            identity = _require_id(entry, "id", where)
            if identity in found:
                raise DatasetError(f"{where}: the id {identity} is there twice.", remedy=REMEDY)
            found[identity] = require(entry, "name", str, where)
        if first is not None and found != first:
            raise DatasetError(
                f"{file.path} and {files[0].path} name different categories.",
                remedy="Export both with the same list of categories.",
            )
        first = found
    if not first:
        raise DatasetError(f"{files[0].path} names no category.", remedy=REMEDY)
    return first


def _read_images(
    root: Path, file: _File, values: dict[int, int], *, prefix: bool
) -> Iterator[AnnotatedImage]:
    regions: dict[int, list[Region]] = {}
    entries: dict[int, tuple[str, Any]] = {}
    for number, entry in enumerate(file.list("images")):
        where = f"{file.path.name}, images[{number}]"
        identity = _require_id(entry, "id", where)
        if identity in entries:
            raise DatasetError(f"{where}: the id {identity} is there twice.", remedy=REMEDY)
        entries[identity], regions[identity] = (where, entry), []
    for number, entry in enumerate(file.list("annotations")):
        where = f"{file.path.name}, annotations[{number}]"
        identity = _require_id(entry, "image_id", where)
        if identity not in regions:
            raise DatasetError(f"{where}: no image has the id {identity}.", remedy=REMEDY)
        regions[identity].append(_read_region(entry, values, where))
    for identity, (where, entry) in entries.items():
        name = _check_file_name(require(entry, "file_name", str, where), where)
        yield AnnotatedImage(
            name="/".join([file.split] * prefix + [str(name.with_suffix(""))]),
            path=_find_image(root, file, name, where),
            regions=tuple(regions[identity]),
            size=(require(entry, "height", int, where), require(entry, "width", int, where)),
        )


def _require_id(entry: Any, key: str, where: str) -> int:
    identity = require(entry, key, int, where)
    if identity < 0:
        raise DatasetError(f"{where}: {key!r} must not be negative, got {identity}.", remedy=REMEDY)
    return identity


def _check_file_name(text: str, where: str) -> PurePosixPath:
    name = PurePosixPath(text)
    if name.is_absolute() or ".." in name.parts or not name.name or not text.isprintable() or "\\" in text:
        raise DatasetError(
            f"{where}: 'file_name' must be a path below the dataset's folder, got {text[:80]!r}.",
            remedy="Write it relative to the images' folder, with / between folders.",
        )
    return name


def _find_image(root: Path, file: _File, name: PurePosixPath, where: str) -> Path:
    folders = (root / "images" / file.split, root / file.split, root / "images", file.path.parent, root)
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(
        f"{where}: there is no image {name} in {root} (looked in images/, {file.split}/ and beside the annotations).",
        remedy="Put the images there, or name the folder that holds both.",
    )


def _refuse_doubles(images: Sequence[AnnotatedImage]) -> None:
    seen: set[Path] = set()
    for image in images:
        if image.path in seen:
            raise DatasetError(
                f"The image {image.path} is listed twice.",
                remedy="Merge its annotations: one image in two parts of a split would leak.",
            )
        seen.add(image.path)


def _read_region(entry: Any, values: dict[int, int], where: str) -> Region:
    category = _require_id(entry, "category_id", where)
    if category not in values:
        raise DatasetError(f"{where}: no category has the id {category}.", remedy=REMEDY)
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, dict):
        shape: Shape = _read_run_lengths(segmentation, where)
    elif segmentation:
        shape = _read_polygons(segmentation, where)
    else:
        shape = _read_box(entry, where)
    return Region(shape, values[category], where)


def _read_polygons(segmentation: Any, where: str) -> PolygonShape:
    polygons = []
    for numbers in segmentation if isinstance(segmentation, list) else [segmentation]:
        if not isinstance(numbers, list) or len(numbers) % 2:
            raise DatasetError(
                f"{where}: a polygon must be a list of x and y in turn, got {str(numbers)[:60]}.",
                remedy=REMEDY,
            )
        polygons.append(parse_polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), where))
    return PolygonShape(tuple(polygons))


def _read_run_lengths(segmentation: dict[str, Any], where: str) -> RunLengthShape:
    size, counts = require(segmentation, "size", list, where), segmentation.get("counts")
    if len(size) != 2 or any(type(side) is not int or side <= 0 for side in size):
        raise DatasetError(f"{where}: 'size' must be height and width, got {str(size)[:60]}.", remedy=REMEDY)
    if isinstance(counts, str):
        try:
            counts = decompress_counts(counts)
        except DatasetError as error:
            raise DatasetError(f"{where}: {error.message}.", remedy=error.remedy) from error
    if not isinstance(counts, list) or any(type(count) is not int or count < 0 for count in counts):
        raise DatasetError(
            f"{where}: 'counts' must be whole numbers from 0, or their string form, got {str(counts)[:60]}.",
            remedy=REMEDY,
        )
    return RunLengthShape(tuple(counts), size[0], size[1])


def _read_box(entry: Any, where: str) -> BoxShape:
    box = require(entry, "bbox", list, where)
    numbers = [number for number in box if type(number) in (int, float) and abs(number) <= LARGEST_COORDINATE]
    if len(box) != 4 or len(numbers) != 4 or min(numbers[2:]) <= 0:
        raise DatasetError(
            f"{where}: 'bbox' must be x, y and a positive width and height, got {str(box)[:80]}.",
            remedy=REMEDY,
        )
    left, top, width, height = map(float, numbers)
    return BoxShape((left, top, left + width, top + height))
