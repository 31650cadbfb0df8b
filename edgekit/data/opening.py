"""`--data`: from what a person types to a dataset, saying which format was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.contract import Dataset
from edgekit.data.dagm import Dagm2007, find_class_folders
from edgekit.data.folders import ImageMaskFolder
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit_runtime.errors import DatasetError, UsageProblem

SYNTHETIC = "synthetic:"


@dataclass(frozen=True)
class Layout:
    """A folder layout: how it is recognised and opened (with the root, and whether to take defect-free images)."""

    recognise: Callable[[Path], bool]
    open: Callable[[Path, bool], Dataset]


LAYOUTS = (
    Layout(
        recognise=lambda root: bool(find_class_folders(root)),
        open=lambda root, include_normal: Dagm2007(root, include_normal=include_normal),
    ),
    Layout(
        recognise=lambda root: (root / "images").is_dir() or (root / "masks").is_dir(),
        open=lambda root, _: ImageMaskFolder(root),
    ),
)
"""In the order they are tried: official layouts first, the general one last."""


def open_dataset(text: str, *, include_normal: bool = False) -> Dataset:
    """Open `synthetic:NAME[/CLASS]` or a folder in a known layout.

    Args:
        text: What was typed after --data.
        include_normal: Take defect-free images too, where the layout knows them without a mask file.

    Raises:
        UsageProblem: If the synthetic set is unknown.
        DatasetError: If the folder is missing or in no known layout.
    """
    if text.startswith(SYNTHETIC):
        return _open_synthetic(text.removeprefix(SYNTHETIC), include_normal=include_normal)
    root = Path(text)
    if not root.is_dir():
        raise DatasetError(
            f"There is no folder {root}.",
            remedy="Name a folder, or a generated set such as synthetic:dagm/6.",
        )
    for layout in LAYOUTS:
        if layout.recognise(root):
            return layout.open(root, include_normal)
    raise DatasetError(
        f"{root} is in no layout that edgekit knows.",
        remedy="Put images in images/ and masks of the same names in masks/, or point at a DAGM 2007 folder.",
    )


def _open_synthetic(text: str, *, include_normal: bool) -> Dataset:
    name, slash, kind = text.partition("/")
    if name != "dagm":
        raise UsageProblem(
            f"There is no generated set {SYNTHETIC}{name}.",
            remedy="Use synthetic:dagm, or one class of it such as synthetic:dagm/6.",
        )
    if not slash:
        return SyntheticDagm(include_normal=include_normal)
    if not re.fullmatch("[0-9]{1,4}", kind):
        raise UsageProblem(f"{SYNTHETIC}dagm has the classes 1 to 10; got {kind!r}.")
    return SyntheticDagm((int(kind),), include_normal=include_normal)
