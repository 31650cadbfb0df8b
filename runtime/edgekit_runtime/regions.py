"""Connected regions of a mask, as the runtime, the evaluation and the data checks know them.

There are two labellings with one answer (`edgekit_runtime.labelling`): NumPy's, which needs nothing else, and a
compiled one, which `prepare_regions` puts in its place.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import EnvironmentMismatch, MaskError, MissingDependency, UsageProblem
from edgekit_runtime.labelling import numpy_runs
from edgekit_runtime.labelling.numpy_runs import Labels, Rows
from edgekit_runtime.labelling.seams import Seam
from edgekit_runtime.optional import import_optional
from edgekit_runtime.results import Region

__all__ = [
    "Labels",
    "Rows",
    "Seam",
    "check_region_options",
    "continue_regions",
    "find_regions",
    "label_regions",
    "name_regions",
    "prepare_regions",
]


@dataclass
class _Labelling:
    """What `find_regions` and `continue_regions` call, in this process."""

    find_rows: Callable[[npt.NDArray[Any], int, int], Rows]
    continue_rows: Callable[[npt.NDArray[Any], int, Seam, int], tuple[Rows, Seam]]


_labelling = _Labelling(numpy_runs.find_rows, numpy_runs.continue_rows)


def prepare_regions() -> bool:
    """Have `find_regions`, and a web's regions, found by the compiled labelling from now on, where Numba is installed.

    That is for the whole process. The answers are the same. It is asked for and never guessed at, because importing
    Numba takes half a second, and compiling some more where no earlier process has: an application that does not ask
    pays nothing, and one that asks pays here and not in its first frame. `Detector.open` asks. Asking again costs
    nothing.

    Returns:
        Whether `find_regions` is compiled now; False where Numba is not installed.
    """
    try:
        import_optional("numba", extra="cpu")
        # Kernels are compiled, or loaded from the state folder, when their module is imported.
        from edgekit_runtime.labelling import compiled_runs
    except (MissingDependency, EnvironmentMismatch):
        return False

    _labelling.find_rows = compiled_runs.find_rows
    _labelling.continue_rows = compiled_runs.continue_rows
    return True


def find_regions(mask: npt.ArrayLike, *, connectivity: int = 8, min_area_px: int = 0) -> Rows:
    """Return the connected regions of a mask, one row [x1, y1, x2, y2, area, class] each.

    A region is a largest set of connected pixels of one class; 0 is the background. Boxes are half-open.

    Args:
        mask: bool or integer (H, W): 0 background, k the k-th class.
        connectivity: 8 (diagonal neighbours touch) or 4.
        min_area_px: Regions with fewer pixels are left out.

    Returns:
        int64 (R, 6), ordered by (y1, x1, y2, x2, area, class).

    Raises:
        MaskError: If the mask is not a two-dimensional array of class numbers.
        UsageProblem: If an option is not one of those above.
    """
    check_region_options(connectivity, min_area_px)
    return _labelling.find_rows(_check_mask(mask), connectivity, min_area_px)


def continue_regions(
    band: npt.NDArray[np.uint8], seam: Seam, *, top: int, connectivity: int
) -> tuple[Rows, Seam]:
    """Return the regions of an endless web that end in its next band; `edgekit_runtime.web.WebRegions` is the door.

    Args:
        band: uint8 (H, W), not empty, of the web's width.
        seam: What the bands before have left.
        top: Number of the band's first row in the web.
        connectivity: As for `find_regions`.

    Returns:
        int64 (R, 6) in the web's coordinates, ordered as by `find_regions`, and the seam below the band.
    """
    return _labelling.continue_rows(band, connectivity, seam, top)


def label_regions(mask: npt.ArrayLike, *, connectivity: int = 8, min_area_px: int = 0) -> tuple[Rows, Labels]:
    """Return the rows of `find_regions`, and for every pixel which row it belongs to.

    In NumPy always: evaluation asks for labels, a detector does not.

    Args:
        mask: As for `find_regions`.
        connectivity: As for `find_regions`.
        min_area_px: As for `find_regions`; the pixels of regions that are left out are 0.

    Returns:
        int64 (R, 6), and int32 (H, W): i + 1 on the pixels of row i, 0 elsewhere.

    Raises:
        MaskError: See `find_regions`.
        UsageProblem: See `find_regions`.
    """
    check_region_options(connectivity, min_area_px)
    return numpy_runs.label_rows(_check_mask(mask), connectivity, min_area_px)


def name_regions(
    rows: Rows, classes: Sequence[str], *, mm_per_pixel: float | None = None
) -> tuple[Region, ...]:
    """Return rows of `find_regions` as regions with the names of their classes.

    Args:
        rows: int64 (R, 6).
        classes: Names by class number; number 0 is the background.
        mm_per_pixel: None where the scale is not known.

    Raises:
        MaskError: If a row's class has no name.
    """
    if len(rows) and int(rows[:, 5].max()) >= len(classes):
        raise MaskError(
            f"The mask holds class {int(rows[:, 5].max())}; the names end at class {len(classes) - 1}.",
            remedy="A mask holds class numbers (0, 1, …). Divide a 0/255 mask by 255 first.",
        )
    return tuple(
        Region(x1, y1, x2, y2, area_px=area, label=classes[value], mm_per_pixel=mm_per_pixel)
        for x1, y1, x2, y2, area, value in rows.tolist()
    )


def check_region_options(connectivity: int, min_area_px: int) -> None:
    """Raise UsageProblem unless the options are ones that `find_regions` takes."""
    if connectivity not in (4, 8):
        raise UsageProblem(f"connectivity must be 4 or 8, got {connectivity!r}.")
    try:
        area = operator.index(min_area_px)
    except TypeError:
        raise UsageProblem(f"min_area_px must be a whole number, got {min_area_px!r}.") from None
    if area < 0:
        raise UsageProblem(f"min_area_px must be 0 or more, got {area}.")


def _check_mask(mask: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.asarray(mask)
    if array.ndim != 2:
        raise MaskError(f"A mask must be (H, W), got shape {array.shape}.")
    if array.dtype.kind not in "bui":
        raise MaskError(
            f"A mask must hold bool or integer class numbers, got {array.dtype}.",
            remedy="Threshold probabilities first, such as `mask = probabilities >= 0.5`.",
        )
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        raise MaskError(f"Class numbers of a mask must be 0 or more, got {int(array.min())}.")
    return array
