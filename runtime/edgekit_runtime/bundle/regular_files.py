"""The files of a bundle's directory: listed and opened without following a link or waiting on a pipe."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgekit_runtime.bundle.names import MANIFEST_FILE, list_folders
from edgekit_runtime.errors import BundleIntegrityError, IoFault

# What opening answers for a link (with O_NOFOLLOW), a file in a folder's place, a folder, and a socket.
_NOT_REGULAR = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)

_KINDS = (
    (stat.S_ISLNK, "link"),
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISCHR, "device"),
)


def check_listing(root: Path, sizes: Mapping[str, int]) -> None:
    """Refuse a directory that holds anything but the manifest, the named regular files and their folders.

    Hard links are allowed: package managers such as uv install by hard-linking from a cache, so a bundle that
    ships in a package has more than one link per file; and the bytes are hashed whichever way they are
    reached.

    Args:
        root: The bundle.
        sizes: Bundle-relative file name → size in bytes, without the manifest.

    Raises:
        BundleIntegrityError: Naming the file that is missing, extra, of another size or no regular file.
        IoFault: If the directory cannot be listed.
    """
    folders = list_folders(sizes)
    missing = {MANIFEST_FILE, *sizes, *folders}
    pending = [""]
    while pending:
        folder = pending.pop()
        for name, status in _scan(root, folder):
            # An unknown name ends the walk at once: a directory of a million files is not listed to its end.
            if name not in missing:
                raise BundleIntegrityError(f"{root}: {name!r} is in the directory and not in the manifest.")
            missing.discard(name)
            if name in folders:
                _require_kind(root, name, status, stat.S_ISDIR, "folder")
                pending.append(name)
                continue
            _require_kind(root, name, status, stat.S_ISREG, "regular file")
            if name in sizes and status.st_size != sizes[name]:
                raise BundleIntegrityError(
                    f"{root}: {name!r} has {status.st_size} bytes; the manifest says {sizes[name]}."
                )
    for name in sorted(missing):
        raise _missing_error(root, name)


@contextmanager
def open_regular(root: Path, name: str) -> Iterator[BinaryIO]:
    """Open a bundle-relative file for reading; no part of its name may be a link.

    Raises:
        BundleIntegrityError: If it is missing, a link, or no regular file.
        IoFault: If the disk or the permissions fail, here or in the body.
    """
    try:
        with open(name, "rb", opener=lambda *_: _open_without_links(root, name)) as file:
            _require_kind(root, name, os.fstat(file.fileno()), stat.S_ISREG, "regular file")
            yield file
    except FileNotFoundError as error:
        raise _missing_error(root, name) from error
    except OSError as error:
        if error.errno in _NOT_REGULAR:
            raise BundleIntegrityError(f"{root}: {name!r} is a link or no regular file.") from error
        raise _io_fault(root, name, error) from error


def _open_without_links(root: Path, name: str) -> int:
    *folders, last = name.split("/")
    parent = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            child = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            os.close(parent)
            parent = child
        # Without O_NONBLOCK, opening a pipe waits for its writer, for ever.
        return os.open(last, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)


def _scan(root: Path, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    prefix = f"{folder}/" if folder else ""
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                yield prefix + entry.name, entry.stat(follow_symlinks=False)
    except OSError as error:
        raise _io_fault(root, folder or ".", error) from error


def _require_kind(
    root: Path, name: str, status: os.stat_result, is_kind: Callable[[int], bool], kind: str
) -> None:
    if not is_kind(status.st_mode):
        found = next(
            (found for is_found, found in _KINDS if is_found(status.st_mode)), "thing of another kind"
        )
        raise BundleIntegrityError(f"{root}: {name!r} must be a {kind}, and is a {found}.")


def _missing_error(root: Path, name: str) -> BundleIntegrityError:
    return BundleIntegrityError(f"{root}: {name!r} is missing.")


def _io_fault(root: Path, name: str, error: OSError) -> IoFault:
    return IoFault(
        f"{root}: {name!r} cannot be read: {error.strerror}.",
        remedy="Check the disk and the permissions of the bundle, then run the command again.",
    )
