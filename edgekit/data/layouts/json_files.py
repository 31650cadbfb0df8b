"""Reading JSON that somebody else wrote: bounded, strict, and with errors that name the file."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path
from typing import Any, TypeVar

from edgekit_runtime.bundle.canonical_json import JsonError, parse_json
from edgekit_runtime.errors import DatasetError, IoFault

LARGEST_BYTES = 1 << 29
"""COCO's training annotations of 2017 have 450 MB; more is a mistake, and would fill the memory."""

REMEDY = "Export the annotations again: edgekit mends none."

Value = TypeVar("Value")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DatasetError: If it is no file, too large, no JSON, nested too deeply, or holds NaN or one key twice.
        IoFault: If it cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DatasetError(f"{path} is no regular file; expected JSON.", remedy=REMEDY)
        if status.st_size > LARGEST_BYTES:
            raise DatasetError(
                f"{path} has {status.st_size:,} bytes; edgekit reads at most {LARGEST_BYTES:,}.",
                remedy="Split the annotations into several files.",
            )
        return parse_json(path.read_bytes(), max_bytes=LARGEST_BYTES)
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
    except JsonError as error:
        raise DatasetError(f"{path} {error}.", remedy=REMEDY) from error


def mentions_keys(path: Path, keys: tuple[str, ...]) -> bool:
    """Tell whether a file's bytes hold all the keys in quotes, which is enough to recognise a kind of file."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(f'"{key}"'.encode()) >= 0 for key in keys)
    except OSError:
        return False


def require(data: Any, key: str, kind: type[Value], where: str) -> Value:
    """Return a value of a JSON object.

    Args:
        data: What should be an object.
        key: The key that it must have.
        kind: Type of the value: str, list, int or float, the last of which takes whole numbers too.
        where: File and place for messages.

    Raises:
        DatasetError: If there is no object, no such key, or a value of another type.
    """
    value = data.get(key) if isinstance(data, dict) else None
    if kind is float and type(value) is int:
        value = float(value)
    # bool is a subclass of int in Python and not in JSON, hence no isinstance.
    if type(value) is not kind:
        came = "none" if value is None else str(value)[:60]
        raise DatasetError(f"{where}: {key!r} must be {_NAMES[kind]}, got {came}.", remedy=REMEDY)
    return value


_NAMES: dict[type, str] = {str: "a text", list: "a list", int: "a whole number", float: "a number"}
