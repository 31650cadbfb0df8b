"""A split as a JSON file, with its hash: which image is in which part, and how that was decided.

The record of a training names a split by seed and fractions, and makes it again from the data. The file says the same
in names, for people, for other programs, and for the day when the rule that makes splits changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Dataset
from edgekit.data.splitting.splits import PARTS, Split, digest_names
from edgekit_runtime.bundle.decoding import decode, encode
from edgekit_runtime.bundle.manifest import SplitInfo
from edgekit_runtime.errors import DatasetError, IoFault

SCHEMA = "edgekit.split/1"

_LARGEST_BYTES = 256_000_000
"""A million names; a larger file is something else."""


@dataclass(frozen=True)
class StoredSplit:
    """What a split file holds.

    Attributes:
        schema: "edgekit.split/1".
        data: Name of the dataset.
        fingerprint: Of the dataset as it was split, with its view: one with other classes has another.
        split: How the parts were decided, and the hash of their names.
        parts: Part → sorted names of its items.
    """

    schema: str
    data: str
    fingerprint: str
    split: SplitInfo
    parts: dict[str, tuple[str, ...]]


def write_split(path: Path, split: Split, dataset: Dataset) -> None:
    """Write a split, under a temporary name first.

    Args:
        path: The file.
        split: Made from the dataset.
        dataset: What was split.

    Raises:
        IoFault: If the disk refuses, or an image cannot be read for the fingerprint.
    """
    names = {part: tuple(its) for part, its in split.names(dataset).items()}
    stored = StoredSplit(SCHEMA, dataset.name, dataset.fingerprint(), split.info(dataset), names)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # Names of files need not be text; what Python has for their odd bytes becomes an escape that JSON knows.
        temporary.write_text(
            json.dumps(encode(stored), indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8",
            errors="backslashreplace",
        )
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror or error}.") from error


def read_split(path: Path) -> StoredSplit:
    """Read a split and check it against its hash.

    Raises:
        IoFault: If the file cannot be opened.
        DatasetError: If it is no split file, names an image twice, or is not what was written.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _no_split(path, f"it is larger than {_LARGEST_BYTES:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.", remedy="Check the path.") from error
    try:
        data = json.loads(content)
        if isinstance(data, dict) and data.get("schema", SCHEMA) != SCHEMA:
            raise _no_split(path, f"its schema is {data['schema']!r}, this release reads {SCHEMA}")
        stored = decode(StoredSplit, data, path.name)
    except (ValueError, RecursionError) as error:
        raise _no_split(path, str(error)) from error
    _check_names(path, stored.parts)
    if digest_names(stored.parts) != stored.split.sha256:
        raise DatasetError(
            f"The names in {path} are not those that were written: their hash is another.",
            remedy="Restore the file, or split the data anew.",
        )
    return stored


def apply_split(stored: StoredSplit, dataset: Dataset) -> Split:
    """Return a stored split of a dataset.

    Names decide, not contents: where the images must be the same too, compare `stored.fingerprint`.

    Raises:
        DatasetError: If the dataset has an image that the split does not name, or lacks one that it names.
    """
    index_of = {item.name: index for index, item in enumerate(dataset.items)}
    named = {name for names in stored.parts.values() for name in names}
    for odd, words in (
        (sorted(named - set(index_of)), "are named by the split but not there"),
        (sorted(set(index_of) - named), "are there but not named by the split"),
    ):
        if odd:
            raise DatasetError(
                f"{len(odd)} images of {dataset.name} {words}, such as {odd[0]}.",
                remedy="Restore the images that were split, or split the data anew.",
            )
    parts = {part: tuple(sorted(index_of[name] for name in names)) for part, names in stored.parts.items()}
    how = stored.split
    return Split(how.seed, how.fractions, parts, how.folds, how.fold)


def _check_names(path: Path, parts: Mapping[str, tuple[str, ...]]) -> None:
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise _no_split(path, f"it has a part {unknown[0]!r}; parts are {', '.join(PARTS)}")
    empty = [part for part, names in parts.items() if not names]
    if empty or not parts:
        raise _no_split(path, f"its {empty[0]} part is empty" if empty else "it has no parts")
    seen: set[str] = set()
    for name in (name for names in parts.values() for name in names):
        if name in seen:
            raise _no_split(path, f"it names {name} twice")
        seen.add(name)


def _no_split(path: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{path} is no usable split: {why}.",
        remedy="Name a file that edgekit wrote, such as split.json in a run folder.",
    )
