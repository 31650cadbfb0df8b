"""Folders that a line writes to: what cannot work from the start is refused there, and not counted as loss all day."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from edgekit_runtime.errors import IoFault, UsageProblem

_FULL = (errno.ENOSPC, errno.EDQUOT)


def prepare_folder(folder: Path, bundle: Path, what: str) -> None:
    """Make a folder if need be, and see that files can be written there. A disk that is full may have room later.

    Args:
        folder: For records, say.
        bundle: The directory of the bundle that runs: a bundle with one file more is refused by whoever opens it next.
        what: It is for, in words.

    Raises:
        UsageProblem: If it lies inside the bundle.
        IoFault: If it cannot be made or written.
    """
    if folder.resolve().is_relative_to(bundle.resolve()):
        raise UsageProblem(
            f"{folder} lies in the bundle {bundle}, which would be damaged by {what}.",
            remedy="Name a folder beside it.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in _FULL:
            return
        raise IoFault(
            f"{folder} cannot take {what}: {error.strerror or error}.",
            remedy="Name a folder that can be written, or run without.",
        ) from error
