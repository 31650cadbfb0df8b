"""Names of the files inside a bundle, and the rules that keep them there."""

from __future__ import annotations

import re
from collections.abc import Iterable

MANIFEST_FILE = "manifest.json"
BUNDLE_SUFFIX = ".edgekit"

MAX_NAME_LENGTH = 100
MAX_FOLDERS = 2

# One alphabet for every file system: without capitals two names cannot meet on a case-insensitive disk,
# without spaces and backslashes a name means the same to a shell and to Windows, a leading dot would hide the
# file and makes ".." possible, a leading dash looks like an option, and Windows drops a dot at the end.
_PART = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_-])?", re.ASCII)


def find_name_fault(name: str) -> str | None:
    """Return what is wrong with a bundle-relative file name, or None."""
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters, at most {MAX_NAME_LENGTH} are allowed"
    parts = name.split("/")
    if not all(_PART.fullmatch(part) for part in parts):
        return (
            "must be parts of a-z, 0-9, '.', '_' and '-' joined by '/', first and last no dot, first no dash"
        )
    if len(parts) > MAX_FOLDERS + 1:
        return f"lies {len(parts) - 1} folders deep, at most {MAX_FOLDERS} are allowed"
    if name == MANIFEST_FILE:
        return "is the manifest, which vouches for itself by its digest"
    return None


def find_names_fault(names: Iterable[str]) -> str | None:
    """Return what is wrong with a bundle's file names taken together, or None."""
    listed = set(names)
    for name in sorted(listed):
        fault = find_name_fault(name)
        if fault is not None:
            return f"{name[:MAX_NAME_LENGTH]!r} {fault}"
        for folder in list_folders([name]):
            if folder in listed:
                return f"{folder!r} is a file and a folder at once"
            if folder == MANIFEST_FILE:
                return f"{name!r} makes a folder of the manifest"
    return None


def list_folders(names: Iterable[str]) -> set[str]:
    """Return every folder that the names lie in, bundle-relative."""
    folders: set[str] = set()
    for name in names:
        parts = name.split("/")[:-1]
        folders.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return folders
