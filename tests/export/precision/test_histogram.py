from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit_export.precision import histogram as module
from edgekit_export.precision.histogram import BINS, MagnitudeHistogram

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=40)


def count(*portions):
    histogram = MagnitudeHistogram()
    for portion in portions:
        histogram.add(np.asarray(portion, np.float32))
    return histogram


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=VALUES, data=st.data())
def test_order_and_portions_do_not_matter(values, data):
    whole = count(values)
    shuffled = data.draw(st.permutations(values))
    cut = data.draw(st.integers(0, len(values)))
    parts = count(shuffled[:cut] or [0.0], shuffled[cut:] or [0.0])
    padding = (not shuffled[:cut]) + (not shuffled[cut:])
    parts.counts[0] -= padding
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert (parts.largest, parts.width) == (whole.largest, whole.width)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    values=arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(-(2.0**100), 2.0**100, width=32))
)
def test_every_value_lies_in_its_bin(values):
    histogram = count(values)
    assert histogram.counts.sum() == len(values)
    magnitudes = np.abs(values).astype(np.float64)
    assert histogram.largest == magnitudes.max()
    if histogram.width:
        positions = np.floor(magnitudes / histogram.width).astype(int)
        np.testing.assert_array_equal(histogram.counts, np.bincount(positions, minlength=BINS))
        assert positions.max() >= BINS // 2


def test_chunks_add_up(monkeypatch):
    values = np.linspace(-3, 5, 1000, dtype=np.float32)
    whole = count(values)
    monkeypatch.setattr(module, "_CHUNK", 7)
    np.testing.assert_array_equal(count(values).counts, whole.counts)


def test_zeros_alone_have_no_width():
    histogram = count(np.zeros((2, 3)))
    assert (histogram.width, histogram.largest, histogram.counts[0]) == (0.0, 0.0, 6)
