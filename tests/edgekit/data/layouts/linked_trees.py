"""A folder of real images in which one file can be changed, without copying the others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tests.edgekit.image_folders import save


def link_tree(source: Path, target: Path) -> Path:
    """Return `target` with the folders of `source`, and links to its files."""
    for folder, _, files in os.walk(source):
        copy = target / Path(folder).relative_to(source)
        copy.mkdir(parents=True)
        for name in files:
            (copy / name).symlink_to(Path(folder, name).resolve())
    return target


def replace_link(path: Path, pixels: np.ndarray) -> None:
    """Write an image where a link stood; the file that it led to stays."""
    path.unlink()
    save(path, pixels)
