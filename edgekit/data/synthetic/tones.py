"""Turn a field of standard normal values into grey levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic.noise import Field

#: Grey levels outside this range of normal values do not change any more; 6 is beyond every sample.
_Z_LIMIT = 6.0
_STEPS = 2048


def map_quantiles(field: Field, z: Sequence[float], grey: Sequence[float]) -> Field:
    """Map normal values (H, W) to grey levels through a table, so that its histogram is the table's.

    ``z`` ascends; between its nodes the map is linear, beyond them constant.
    """
    table = np.interp(np.linspace(-_Z_LIMIT, _Z_LIMIT, _STEPS), z, grey).astype(np.float32)
    position = (field + np.float32(_Z_LIMIT)) * np.float32((_STEPS - 1) / (2 * _Z_LIMIT))
    levels: Field = table[np.clip(position + 0.5, 0, _STEPS - 1).astype(np.int32)]
    return levels


def to_uint8(levels: Field) -> npt.NDArray[np.uint8]:
    """Round and clip grey levels (H, W) to 0..255."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
