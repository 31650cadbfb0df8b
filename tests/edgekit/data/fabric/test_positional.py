"""Numbers by place: the same whichever others are asked for, evenly spread, and unlike between streams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data.fabric.positional import Positional, Stream


@given(start=st.integers(-(10**12), 10**12), skip=st.integers(0, 50))
def test_a_number_depends_on_its_index_alone(start: int, skip: int) -> None:
    numbers = Positional(3, Stream.ENDS)
    every = numbers.uniforms(np.arange(start, start + 60), row=7)
    assert np.array_equal(numbers.uniforms(np.arange(start + skip, start + 60), row=7), every[skip:])


def test_numbers_are_even_and_unrelated_to_their_neighbours() -> None:
    numbers = Positional(0, Stream.CLOUDS)
    count = 100_000
    values = numbers.uniforms(np.arange(count))
    assert -1.0 <= values.min() < -0.999
    assert 0.999 < values.max() < 1.0
    # Five standard deviations of what independent numbers would give.
    assert abs(values.mean()) < 5 * np.sqrt(1 / 3 / count)
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 5 / np.sqrt(count)
    assert abs(np.corrcoef(values, numbers.uniforms(np.arange(count), row=1))[0, 1]) < 5 / np.sqrt(count)


@pytest.mark.parametrize("other", [Positional(1, Stream.ENDS), Positional(0, Stream.PICKS)])
def test_seeds_and_streams_have_nothing_in_common(other: Positional) -> None:
    one, index = Positional(0, Stream.ENDS), np.arange(10_000)
    assert abs(np.corrcoef(one.uniforms(index), other.uniforms(index))[0, 1]) < 0.05
    assert one.generator(4).random() != other.generator(4).random()


def test_wander_passes_through_its_knots_without_a_jump() -> None:
    numbers = Positional(5, Stream.LIGHT)
    knots = np.arange(-20, 20)
    assert np.array_equal(numbers.wander(knots.astype(float)), numbers.uniforms(knots))
    fine = numbers.wander(np.linspace(-20.0, 20.0, 8001))
    # The steepest rise of a blend from -1 to 1 is 2 · 1.5 per knot.
    assert np.abs(np.diff(fine)).max() <= 3.0 * 40 / 8000 + 1e-9
