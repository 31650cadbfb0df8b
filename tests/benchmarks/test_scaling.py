"""What size costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks.scaling import CostPoint, describe_fit, fit_costs


def make_point(tiles: int, pixels: int, width: int, time_ms: float, family: str = "net") -> CostPoint:
    return CostPoint(f"{tiles}×{pixels}×{width}", family, tiles, pixels, width, time_ms)


@given(st.floats(0.01, 10), st.floats(0.01, 10), st.floats(0.01, 10))
def test_an_exact_law_is_found(fixed: float, pixel: float, channel: float) -> None:
    sizes = [(1, 65536, 2), (1, 262144, 2), (4, 65536, 32), (1, 1048576, 32), (2, 262144, 8)]
    points = [
        make_point(tiles, pixels, width, fixed + tiles * pixels * (pixel + channel * width) / 1e6)
        for tiles, pixels, width in sizes
    ]
    (fit,) = fit_costs(points)
    assert fit.fixed_ms == pytest.approx(fixed, rel=1e-6)
    assert fit.ns_per_pixel == pytest.approx(pixel, rel=1e-6)
    assert fit.ns_per_channel == pytest.approx(channel, rel=1e-6)
    assert fit.largest_error < 1e-9
    assert fit.predict(1e6, 2) == pytest.approx(fixed + pixel + 2 * channel)


def test_one_width_has_no_number_of_its_own() -> None:
    (fit,) = fit_costs([make_point(1, size, 2, 0.5 + size / 1e6) for size in (65536, 262144, 1048576)])
    assert fit.ns_per_channel is None
    assert fit.ns_per_pixel == pytest.approx(1)
    assert "G" not in describe_fit(fit)


def test_relative_errors_count() -> None:
    # By absolute errors the largest network alone would decide, and the small ones be missed by far.
    points = [make_point(1, size, 1, size / 1e6) for size in (1000, 2000, 4000)]
    (fit,) = fit_costs([*points, make_point(1, 10**9, 1, 1100.0)])
    assert fit.largest_error < 0.11


def test_too_few_sizes_and_other_families_give_no_fit() -> None:
    two = [make_point(1, size, 1, float(size)) for size in (1000, 2000)]
    assert fit_costs([]) == ()
    assert fit_costs(two) == ()
    assert fit_costs([*two, *two]) == ()
    assert fit_costs([*two, make_point(1, 4000, 1, 4000.0, family="other")]) == ()
    # Three sizes with two widths are three numbers for three unknowns.
    assert fit_costs([*two, make_point(1, 2000, 2, 3000.0)]) == ()


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(1, 64), st.floats(0.01, 100)), min_size=4, max_size=8
    )
)
def test_nothing_takes_negative_time(sizes: list[tuple[int, int, float]]) -> None:
    for fit in fit_costs([make_point(1, pixels, width, time) for pixels, width, time in sizes]):
        assert fit.fixed_ms >= 0
        assert fit.ns_per_pixel >= 0
        assert (fit.ns_per_channel or 0) >= 0
