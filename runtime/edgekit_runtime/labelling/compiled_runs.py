"""The compiled labelling, called: what it takes of masks, and the memory that it works in."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.labelling import kernels, numpy_runs
from edgekit_runtime.labelling.numpy_runs import Rows

_Pixels = npt.NDArray[np.uint8]

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
    reach = 1 if connectivity == 8 else 0
    least = min(min_area_px, _LARGEST + 1)  # any number may come, and the kernel takes 64 bits
    runs = _room.runs
    rows: Rows | None = kernels.find_rows(pixels, reach, least, runs)
    while rows is None:
        runs = _make_room(4 * max(len(runs), mask.shape[1]))
        rows = kernels.find_rows(pixels, reach, least, runs)
        if len(runs) <= KEPT_RUNS:
            _room.runs = runs
    return rows


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


def _make_room(runs: int) -> npt.NDArray[np.uint32]:
    return np.empty((runs, 4), np.uint32)


_room = _Room()
