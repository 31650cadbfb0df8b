"""Hypothesis' tiles: sizes, overlaps and multiples that fit together, and frames to cut."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


@st.composite
def tilings(draw):
    """Draw (tile height, tile width), overlap, multiple."""
    multiple = draw(st.integers(1, 4))
    sides = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    overlap = draw(st.integers(0, min(sides) // 2)) * multiple
    return (sides[0] * multiple, sides[1] * multiple), overlap, multiple


def make_pixels(seed, shape, channels=None, dtype=np.uint8):
    shape = shape if channels is None else (*shape, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
