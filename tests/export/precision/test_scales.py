from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit_export.precision.scales import (
    EMPTY_RANGE,
    quantise_weights,
    restore_weights,
    scale_of_range,
    spread_over_axis,
)

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)
WEIGHTS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)), elements=FINITE
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(weights=WEIGHTS, axis=st.integers(0, 2))
def test_weights_come_back_within_half_a_step(weights, axis):
    codes, scales = quantise_weights(weights, axis)
    assert codes.dtype == np.int8
    assert scales.shape == (weights.shape[axis],)
    error = np.abs(restore_weights(codes, scales, axis).astype(np.float64) - weights)
    steps = spread_over_axis(scales, 3, axis).astype(np.float64)
    # The product is rounded to float32 once more: 2^-24 of it, at 127 steps less than 1e-5 of a step.
    assert (error <= steps * (0.5 + 1e-5)).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(weights=WEIGHTS, axis=st.integers(0, 2))
def test_codes_are_symmetric_and_zero_is_zero(weights, axis):
    weights[..., 0] = 0
    codes, _ = quantise_weights(weights, axis)
    mirrored, _ = quantise_weights(-weights, axis)
    np.testing.assert_array_equal(mirrored, -codes)
    assert codes.min() >= -127
    assert not codes[weights == 0].any()


def test_every_channel_uses_all_codes():
    weights = np.array([[1.0, -0.5], [1e-3, 2e-3]], np.float32)
    codes, scales = quantise_weights(weights, 0)
    assert np.abs(codes).max(axis=1).tolist() == [127, 127]
    np.testing.assert_allclose(scales, [1 / 127, 2e-3 / 127], rtol=1e-6)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(largest=st.floats(0, 2.0**120, width=32))
def test_a_scale_covers_its_range_and_divides(largest):
    scale = scale_of_range(largest)
    assert (scale.dtype, scale.shape) == (np.float32, ())
    assert scale >= np.finfo(np.float32).smallest_normal
    assert np.rint(np.float32(largest) / scale) <= 127


def test_what_was_never_seen_has_a_scale_of_its_own():
    assert scale_of_range(0.0) == scale_of_range(EMPTY_RANGE)
    codes, scales = quantise_weights(np.zeros((2, 3), np.float32), 0)
    assert not codes.any()
    assert (scales == scale_of_range(EMPTY_RANGE)).all()


@pytest.mark.parametrize("largest", [1e-44, 1e-30, 1.0])
def test_no_scale_is_zero_in_float32(largest):
    assert scale_of_range(largest) >= np.finfo(np.float32).smallest_normal
