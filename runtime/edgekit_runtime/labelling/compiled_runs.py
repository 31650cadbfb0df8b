"""The compiled labelling, called: what it takes of masks, and the memory that it works in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edgekit_runtime.labelling import kernels, numpy_runs, seam_kernels
from edgekit_runtime.labelling.numpy_runs import Rows
from edgekit_runtime.labelling.seams import Seam

_Pixels = npt.NDArray[np.uint8]
_Runs = npt.NDArray[np.uint32]
_Found = TypeVar("_Found")

FIRST_RUNS = 1 << 13
"""Room at first (128 KiB), enough for the masks of a line."""

KEPT_RUNS = 1 << 20
"""Room that a thread keeps (16 MiB); a mask with more runs gets its own, and gives it back."""

_LARGEST = 1 << 31
"""Pixels of a mask whose positions, a column more in each row, surely are uint32."""


class _Room(threading.local):
    """Memory for runs, one for each thread and kept: the pages of fresh memory cost more than the labelling."""

    def __init__(self) -> None:
        self.runs = _make_room(FIRST_RUNS)


def find_rows(mask: npt.NDArray[Any], connectivity: int, min_area_px: int) -> Rows:
    """Return the rows of `numpy_runs.find_rows`, which also finds them where a mask is none of bytes.

    The interpreter's lock is free meanwhile; threads may call it at once.
    """
    if not mask.size:
        return np.empty((0, 6), np.int64)
    pixels = _view_bytes(mask)
    if pixels is None:
        return numpy_runs.find_rows(mask, connectivity, min_area_px)
    least = min(min_area_px, _LARGEST + 1)  # any number may come, and the kernel takes 64 bits
    return _find_with_room(
        lambda runs: kernels.find_rows(pixels, _reach_of(connectivity), least, runs), mask.shape[1]
    )


def continue_rows(mask: npt.NDArray[Any], connectivity: int, seam: Seam, top: int) -> tuple[Rows, Seam]:
    """Return the answer of `numpy_runs.continue_rows`, which also finds it where a band is none of bytes."""
    pixels = _view_bytes(mask)
    if pixels is None:
        return numpy_runs.continue_rows(mask, connectivity, seam, top)
    rows, runs, below = _find_with_room(
        lambda runs: seam_kernels.continue_rows(pixels, _reach_of(connectivity), top, *seam, runs),
        mask.shape[1],
    )
    return rows, Seam(runs, below)


def _find_with_room(find: Callable[[_Runs], _Found | None], width: int) -> _Found:
    """Return what a kernel finds that answers None where it has too little room for runs."""
    runs = _room.runs
    found = find(runs)
    while found is None:
        runs = _make_room(4 * max(len(runs), width))
        found = find(runs)
        if len(runs) <= KEPT_RUNS:
            _room.runs = runs
    return found


def _reach_of(connectivity: int) -> int:
    return 1 if connectivity == 8 else 0


def _view_bytes(mask: npt.NDArray[Any]) -> _Pixels | None:
    """Return a mask as uint8 (H, W), contiguous; None where its classes or its size are too large for that."""
    if mask.size > _LARGEST:
        return None
    if mask.dtype.itemsize > 1:
        if int(mask.max()) > np.iinfo(np.uint8).max:
            return None
        mask = mask.astype(np.uint8)
    elif mask.dtype.kind == "b":
        # A mask of 0 and 255 that is seen as bool is True in any byte but 0, for NumPy: one class.
        mask = mask.view(np.uint8) != 0
    return np.ascontiguousarray(mask).view(np.uint8)


def _make_room(runs: int) -> _Runs:
    return np.empty((runs, 4), np.uint32)


_room = _Room()
