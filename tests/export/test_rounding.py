from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit_export.rounding import (
    FLOOR,
    MARGIN,
    RMS_MARGIN,
    UNMEASURED,
    measure_bounds,
    measure_rms_bounds,
    undecided,
)
from edgekit_runtime.masks import mask_of


def pixels(*logits: list[float]) -> np.ndarray:
    """Return logits (1, K, 1, pixels) from one list per pixel."""
    return np.array(logits, np.float32).T[None, :, None, :]


def test_the_bound_is_measured():
    double = np.linspace(-1, 1, 101)
    single = double.astype(np.float32)
    single[3] += np.float32(1e-3)
    bound = measure_bounds({"y": single}, {"y": double})["y"]
    assert MARGIN * 1e-3 <= bound <= 2 * (MARGIN * 1.001e-3 + FLOOR)


def test_the_bound_is_a_power_of_two():
    bound = measure_bounds({"y": np.float32([1.1, -3.0])}, {"y": np.array([1.1, -3.0])})["y"]
    assert math.log2(bound).is_integer()


def test_where_both_agree_a_floor_remains():
    array = np.array([4.0, -8.0])
    assert measure_bounds({"y": array.astype(np.float32)}, {"y": array})["y"] == 8 * FLOOR


def test_the_mean_square_is_measured():
    double = np.array([3.0, 3.0, 3.0, 3.0])
    single = np.float32([3.0, 3.0, 3.0, 3.5])
    assert measure_rms_bounds({"y": single}, {"y": double})["y"] == pytest.approx(RMS_MARGIN * 0.25, rel=1e-4)


def test_without_float64_there_is_no_bound_of_the_mean_square():
    assert measure_rms_bounds({"y": np.float32([1.0])}, None) == {}


def test_without_float64_the_bound_is_a_share_of_the_largest():
    assert measure_bounds({"y": np.float32([4.0, -8.0])}, None)["y"] == 8 * UNMEASURED


def test_zeros_and_values_that_are_not_finite_have_no_rounding():
    zeros = np.zeros(3, np.float32)
    assert measure_bounds({"y": zeros}, {"y": zeros})["y"] == 0
    nothing = np.full(3, np.nan, np.float32)
    assert measure_bounds({"y": nothing}, {"y": nothing})["y"] == 0


def test_undecided_pixels_of_one_class():
    logits = pixels([0.49], [0.495], [0.5], [0.51], [0.52])
    assert undecided(logits, 0.5, 0.01)[0, 0].tolist() == [True, True, True, True, False]
    assert undecided(logits, 0.5, 0.001).sum() == 1


def test_undecided_pixels_of_several_classes():
    logits = pixels(
        [0, 0.5, 0],  # on the threshold
        [0, 3, 2.999],  # two defects alike
        [5, 3, 3],  # alike, and far behind the background
        [0, 3, 1],
    )
    assert undecided(logits, 0.5, 0.01)[0, 0].tolist() == [True, True, False, False]


def test_whatever_rounding_can_turn_is_undecided():
    rng = np.random.default_rng(0)
    for classes in (1, 2, 4):
        logits = rng.normal(size=(4, classes, 16, 16)).round(1).astype(np.float32)
        bound = 0.004
        moved = logits + rng.uniform(-bound, bound, logits.shape).astype(np.float32)
        turned = mask_of(moved, 0.1) != mask_of(logits, 0.1)
        assert turned.any()
        assert not (turned & ~undecided(logits, 0.1, bound * 1.001)).any()
