"""`dataset.json`: what a folder of images and masks cannot say by itself.

    {"schema": "edgekit.dataset/1", "name": "magnetic-tile", "layout": "Magnetic Tile",
     "classes": ["background", "blowhole", …], "labels": ["free", "blowhole", …], "normal_label": "free",
     "items": [{"file": "MT_Break_exp1_num_17", "name": "MT_Break/exp1_num_17", "group": "tile-9",
                "stratum": "break", "defective": true, "label": 2, "kinds": ["break"]}, …]}

`file` is the stem of the image in images/ and of the mask in masks/. `classes` are the names of the mask values, none
where there are no masks. The rest is what `Dataset`, `Item` and `Sample` in `edgekit.data.contract` hold. Keys are
sorted, unknown ones are refused, and no path leads out of the folder.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Item
from edgekit.data.layouts.json_files import read_json
from edgekit_runtime.bundle.decoding import DecodingError, decode, encode
from edgekit_runtime.errors import DatasetError

FILE_NAME = "dataset.json"
SCHEMA = "edgekit.dataset/1"
MOST_CLASSES = 256
"""Values of an 8-bit mask."""

REMEDY = "Convert the data again, or rename the file if it is not one of edgekit's: the folder then speaks for itself."


@dataclass(frozen=True)
class FileItem:
    """One image; the fields are those of `Item`, and `kinds` those of `Sample`."""

    file: str
    name: str
    group: str
    stratum: str
    defective: bool | None
    label: int | None
    kinds: tuple[str, ...]

    def to_item(self) -> Item:
        """Return what a dataset says of the image."""
        return Item(self.name, self.group, self.stratum, self.defective, self.label)


@dataclass(frozen=True)
class DatasetFile:
    """The content of a dataset.json."""

    schema: str
    name: str
    layout: str
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    normal_label: str | None
    items: tuple[FileItem, ...]


def encode_dataset_file(content: DatasetFile) -> bytes:
    """Return the bytes of a dataset.json: ASCII, for file names need not be text; one form for one content."""
    text = json.dumps(encode(content), ensure_ascii=True, allow_nan=False, sort_keys=True, indent=1)
    return f"{text}\n".encode("ascii")


def read_dataset_file(path: Path) -> DatasetFile:
    """Read a dataset.json.

    Raises:
        DatasetError: If it is none, of a newer schema, or contradicts itself.
        IoFault: If it cannot be read.
    """
    data = read_json(path)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise DatasetError(
            f"{path} has {'no schema' if schema is None else f'the schema {str(schema)[:60]!r}'}; "
            f"this edgekit reads {SCHEMA!r}.",
            remedy=REMEDY,
        )
    try:
        content = decode(DatasetFile, data, path.name)
    except DecodingError as error:
        raise DatasetError(f"{path}: {error}.", remedy=REMEDY) from error
    problem = _find_problem(content)
    if problem is not None:
        raise DatasetError(f"{path}: {problem}.", remedy=REMEDY)
    return content


def _find_problem(content: DatasetFile) -> str | None:
    """Return what is wrong with values that have the right types."""
    for what, names in (
        ("class", content.classes),
        ("label", content.labels),
        ("name", [item.name for item in content.items]),
        ("file", [item.file for item in content.items]),
    ):
        double = next((name for name, count in Counter(names).items() if count > 1 or not name), None)
        if double is not None:
            return f"the {what} {double[:80]!r} is {'there twice' if double else 'empty'}"
    if not content.items:
        return "it names no images"
    if len(content.classes) == 1 or len(content.classes) > MOST_CLASSES:
        return f"it names {len(content.classes)} classes; masks have 2 to {MOST_CLASSES}"
    if content.normal_label is not None and content.normal_label not in content.labels:
        return f"'normal_label' is {content.normal_label[:80]!r}, which is none of the labels"
    return next(filter(None, (_find_item_problem(item, content) for item in content.items)), None)


def _find_item_problem(item: FileItem, content: DatasetFile) -> str | None:
    where = f"the item {item.name[:80]!r}"
    if any(character in item.file for character in "/\\\0") or item.file.startswith("."):
        return f"{where} has the file {item.file[:80]!r}; expected the stem of a file in images/"
    if item.label is not None and not 0 <= item.label < len(content.labels):
        return f"{where} has the label {item.label}; there are {len(content.labels)}"
    if item.defective is False and item.kinds:
        return f"{where} is called defect-free and shows {item.kinds[0][:80]!r}"
    if not item.group or not item.stratum:
        return f"{where} has no group or no stratum"
    return None
