"""Where thresholds are looked for, and where they are put."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.choosing.exits.candidates import (
    NOTHING,
    bound_of,
    find_places,
    list_bounds,
    place_threshold,
    thin_bounds,
)

confident = st.floats(0, 1, width=32)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_bound_lies_on_what_an_exit_answers_wrongly() -> None:
    confidences = floats(0.9, 0.8, 0.8, 0.7, 1.0, -np.inf)
    harmful = np.array([False, True, False, True, True, True])
    # What is as sure as can be is answered by any threshold, and what is not finite by none.
    assert list_bounds(confidences, harmful).tolist() == [np.float32(0.8), np.float32(0.7), -np.inf]
    assert list_bounds(confidences, np.zeros(6, np.bool_)).tolist() == [-np.inf]


def test_many_bounds_are_thinned_evenly_or_around_one() -> None:
    bounds = floats(0.9, 0.8, 0.7, 0.6, 0.5, -np.inf)
    assert thin_bounds(bounds, 6) is bounds
    assert thin_bounds(bounds, 3).tolist() == floats(0.9, 0.7, -np.inf).tolist()
    assert thin_bounds(bounds, 2, np.float32(0.7)).tolist() == floats(0.8, 0.7).tolist()
    assert thin_bounds(bounds, 3, NOTHING).tolist() == floats(0.6, 0.5, -np.inf).tolist()


@given(st.lists(confident, min_size=1, max_size=20), st.lists(confident, max_size=6, unique=True))
def test_places_are_what_comparing_says(confidences: list[float], bounds: list[float]) -> None:
    falling = np.append(floats(*sorted(bounds, reverse=True)), NOTHING).astype(np.float32)
    for confidence, place in zip(confidences, find_places(floats(*confidences), falling), strict=True):
        assert place == next(index for index, bound in enumerate(falling) if confidence > bound)


@given(confident, st.floats(0, 1))
def test_a_threshold_and_its_bound_answer_the_same(confidence: float, threshold: float) -> None:
    assert (np.float32(confidence) >= np.float32(threshold)) == (np.float32(confidence) > bound_of(threshold))


@given(st.lists(st.floats(np.float32(1 / 3), 1, width=32), min_size=1, max_size=8), st.data())
def test_a_threshold_parts_what_its_bound_parts(confidences: list[float], data: st.DataObject) -> None:
    reaching = floats(*confidences)
    bound = data.draw(st.sampled_from([value for value in (NOTHING, *reaching) if value < 1]))
    threshold = place_threshold(reaching, bound, classes=3, own=0.5)
    assert 0 <= threshold <= 1
    assert ((reaching >= np.float32(threshold)) == (reaching > bound)).all()


@pytest.mark.parametrize(
    ("reaching", "bound", "threshold"),
    [
        ((0.4, 0.8), 0.4, 0.6),  # the middle
        ((0.41, 0.4137), 0.41, 0.412),  # as few digits as keep away from both ends
        ((0.6, 0.9), -np.inf, 0.47),  # no confidence is below a third
        ((0.6, 0.9), 0.9, 1.0),  # what would be surer was never seen
        ((0.25, 0.3), -np.inf, 0.25),  # sums of float16 may fall short of one
        ((0.99999, 1.0005), 0.99999, 0.999995),  # or exceed it: no threshold may
        ((-np.inf,), 0.4, 0.5),  # nothing reaches it: its own
        ((), 0.4, 0.5),
    ],
)
def test_where_a_threshold_is_put(reaching: tuple[float, ...], bound: float, threshold: float) -> None:
    assert place_threshold(floats(*reaching), np.float32(bound), classes=3, own=0.5) == threshold


def test_neighbours_in_float32_are_told_apart() -> None:
    low = np.float32(0.7)
    high = np.nextafter(low, np.float32(1))
    threshold = place_threshold(np.array([low, high]), low, classes=3, own=0.5)
    assert np.float32(threshold) == high
