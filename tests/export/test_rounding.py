from __future__ import annotations

import math

import numpy as np

from edgekit_export.rounding import FLOOR, MARGIN, UNMEASURED, measure_bounds


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


def test_without_float64_the_bound_is_a_share_of_the_largest():
    assert measure_bounds({"y": np.float32([4.0, -8.0])}, None)["y"] == 8 * UNMEASURED


def test_zeros_and_values_that_are_not_finite_have_no_rounding():
    zeros = np.zeros(3, np.float32)
    assert measure_bounds({"y": zeros}, {"y": zeros})["y"] == 0
    nothing = np.full(3, np.nan, np.float32)
    assert measure_bounds({"y": nothing}, {"y": nothing})["y"] == 0
