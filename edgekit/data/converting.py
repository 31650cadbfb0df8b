"""Any dataset as a folder of PNG files: `images/`, `masks/` and a `dataset.json` that keeps what files cannot say.

Nothing is lost: opened again, the folder has the same items, images, masks and kinds. An RGB image whose channels are
equal is written as grey, which is how edgekit reads it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.data.contract import Dataset, Image, Mask
from edgekit.data.layouts.dataset_file import FILE_NAME, SCHEMA, DatasetFile, FileItem, encode_dataset_file
from edgekit.data.layouts.images_masks import IMAGES, MASKS, WHITE
from edgekit.media.images import write_png
from edgekit.reporting import Reporter
from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.replacing import staged_directory

LONGEST_STEM = 160
"""Bytes. File systems end names at 255, and a temporary name is longer than the final one."""

_UNSAFE = re.compile(r"""[\x00-\x20\x7f~/\\:*?"<>|\ud800-\udfff]+|^\.+""")


def convert_dataset(dataset: Dataset, out: Path, *, reporter: Reporter) -> DatasetFile:
    """Write a dataset as a new folder, which appears once everything is written.

    Args:
        dataset: What to write. The same dataset gives the same bytes.
        out: The new folder; its parent must exist.
        reporter: Where progress goes.

    Returns:
        What was written to dataset.json.

    Raises:
        UsageProblem: If `out` is there already, or its parent is not.
        UnusableInput: If an image or a mask cannot be read.
        IoFault: If the disk refuses.
    """
    if os.path.lexists(out):
        raise UsageProblem(
            f"{out} is there already.", remedy="Name a new folder: converted data never mix with others."
        )
    stems = name_files([item.name for item in dataset.items])
    with (
        staged_directory(out) as staged,
        reporter.progress(f"converting {len(dataset)} images", len(dataset)) as advance,
    ):
        (staged / IMAGES).mkdir()
        if dataset.classes:
            (staged / MASKS).mkdir()
        items = []
        for index, stem in enumerate(stems):
            items.append(_write_item(dataset, index, staged, stem))
            advance()
        content = DatasetFile(
            schema=SCHEMA,
            name=dataset.name,
            layout=dataset.layout,
            classes=dataset.classes,
            labels=dataset.labels,
            normal_label=dataset.normal_label,
            items=tuple(items),
        )
        (staged / FILE_NAME).write_bytes(encode_dataset_file(content))
    return content


def name_files(names: Sequence[str]) -> list[str]:
    """Return a stem for each name: readable, safe on every file system, and unlike the others also without case.

    Slashes and other signs become underscores. A stem that would be long or like another one's ends in a hash
    of its name instead, so that it does not depend on the other names' order.
    """
    plain = [_UNSAFE.sub("_", name) for name in names]  # without the sign that _add_hash adds
    count = Counter(stem.casefold() for stem in plain)
    return [
        stem if len(stem.encode()) <= LONGEST_STEM and count[stem.casefold()] == 1 else _add_hash(stem, name)
        for stem, name in zip(plain, names, strict=True)
    ]


def _add_hash(stem: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{stem.encode()[: LONGEST_STEM // 2].decode(errors='ignore')}~{digest[:16]}"


def _write_item(dataset: Dataset, index: int, folder: Path, stem: str) -> FileItem:
    item, sample = dataset.items[index], dataset.load(index)
    _write(folder / IMAGES / f"{stem}.png", _drop_equal_channels(sample.image))
    if dataset.classes:
        _write(folder / MASKS / f"{stem}.png", _to_file_values(sample.known_mask, dataset.classes))
    return FileItem(stem, item.name, item.group, item.stratum, item.defective, item.label, sample.kinds)


def _write(path: Path, pixels: Image) -> None:
    try:
        write_png(path, pixels)
    except IoFault as error:
        # Its path is that of the staging folder; the error that `staged_directory` makes names the one asked for.
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def _drop_equal_channels(image: Image) -> Image:
    is_grey = image.ndim == 3 and bool((image == image[:, :, :1]).all())
    return np.ascontiguousarray(image[:, :, 0]) if is_grey else image


def _to_file_values(mask: Mask, classes: tuple[str, ...]) -> Mask:
    """Return class indices, or black and white where there is one class of defect: such a mask can be looked at."""
    return mask * np.uint8(WHITE) if len(classes) == 2 else mask
