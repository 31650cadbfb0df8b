"""What `detect` leaves: overlays and masks, one per image, and the JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.media.images import write_png
from edgekit.media.overlays import draw_result
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.results import Result


def make_document(
    bundle: Bundle, results: Sequence[tuple[str, Result]], errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Return the document `edgekit.detect/1`.

    Args:
        bundle: What answered.
        results: Image path and result of each image.
        errors: "image", "message" and "remedy" of each image that could not be used.
    """
    return {
        "schema": "edgekit.detect/1",
        "bundle": {"path": str(bundle.path), "digest": bundle.digest},
        "results": [{"image": image, **result.to_dict()} for image, result in results],
        "errors": list(errors),
    }


class DetectionWriter:
    """Writes STEM.png into the folders that were asked for.

    Args:
        overlay: Folder for pictures with the defects drawn in; None writes none.
        masks: Folder for masks; None writes none.
        paths: All images to come.

    Raises:
        UsageProblem: If two images would give the same file name.
        IoFault: If a folder cannot be made.
    """

    def __init__(self, *, overlay: Path | None, masks: Path | None, paths: Sequence[Path]) -> None:
        self._overlay = overlay
        self._masks = masks
        if overlay is None and masks is None:
            return
        _require_own_names(paths)
        if overlay is not None and masks is not None and overlay.resolve() == masks.resolve():
            raise UsageProblem(
                "--overlay and --masks name the same folder; their files would overwrite each other."
            )
        for folder in filter(None, (overlay, masks)):
            _require_not_source(folder, paths)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise IoFault(f"The folder {folder} cannot be made: {error.strerror}.") from error

    def write(
        self, path: Path, frame: npt.NDArray[np.uint8], result: Result, *, classes: Sequence[str]
    ) -> None:
        """Write the files of one image."""
        if self._overlay is not None:
            write_png(self._overlay / f"{path.stem}.png", draw_result(frame, result.mask, result.regions))
        if self._masks is not None and result.mask is not None:
            # One defect class is shown as black and white; more keep their class index.
            factor = 255 if len(classes) == 2 else 1
            write_png(self._masks / f"{path.stem}.png", result.mask * np.uint8(factor))


def _require_own_names(paths: Sequence[Path]) -> None:
    stem, count = Counter(path.stem for path in paths).most_common(1)[0]
    if count == 1:
        return
    first, second, *_ = (path for path in paths if path.stem == stem)
    # Magnetic Tile and others have mask.png beside image.jpg.
    together = first.parent == second.parent
    pattern = first.parent / f"*{first.suffix}"
    raise UsageProblem(
        f"{count} images are called {stem}, such as {first} and {second}; their files would overwrite each other.",
        remedy=f"Name one kind of file, such as {pattern}." if together else "Run one folder at a time.",
    )


def _require_not_source(folder: Path, paths: Sequence[Path]) -> None:
    if any(path.resolve().parent == folder.resolve() for path in paths):
        raise UsageProblem(
            f"{folder} holds the images themselves; results would overwrite them.",
            remedy="Name another folder.",
        )
