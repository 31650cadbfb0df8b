"""Content hashes of files, computed once per file and run."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from edgekit_runtime.errors import IoFault


def digest_file(path: Path) -> str:
    """Return the sha256 of a file's content.

    Raises:
        IoFault: If it cannot be read.
    """
    try:
        stat = path.stat()
        return _digest(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error


@lru_cache(maxsize=100_000)
def _digest(path: Path, _mtime_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
