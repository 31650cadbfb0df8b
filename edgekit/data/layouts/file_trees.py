"""Every file below a folder, in one order, whatever links lie in between."""

from __future__ import annotations

import os
from pathlib import Path


def list_tree(root: Path) -> list[Path]:
    """Return the files below a folder, sorted; hidden ones, and what lies in hidden folders, left out.

    Links to folders are followed, for people keep images on other disks; a folder that is reached twice, as by a link
    to one above it, is taken once.
    """
    found: list[Path] = []
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in files if not name.startswith(".")]
    return sorted(found)
