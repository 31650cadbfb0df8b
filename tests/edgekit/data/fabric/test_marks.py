"""Stamps: what they change, and only where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.fabric import KINDS
from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.marks import Place, Stamp
from edgekit.data.fabric.slub import Slub
from edgekit_runtime.regions import find_regions


def make_stamp(y1: int = 10, height: int = 6) -> Stamp:
    keep = np.full((height, 4), 0.5, np.float32)
    add = np.full((height, 4), 20.0, np.float32)
    return Stamp(Place(3, y1, 7, y1 + height), keep, add, np.ones((height, 4), np.bool_))


@given(y1=st.integers(0, 30), height=st.integers(1, 30))
def test_a_window_shows_its_part_of_the_stamp_and_no_more(y1: int, height: int) -> None:
    whole = np.full((60, 9), 100, np.uint16)
    truth = np.zeros((60, 9), np.uint8)
    make_stamp().press(whole, 0)
    make_stamp().mark(truth, 0, 3)
    part, mask = np.full((height, 9), 100, np.uint16), np.zeros((height, 9), np.uint8)
    make_stamp().press(part, y1)
    make_stamp().mark(mask, y1, 3)
    assert np.array_equal(part, whole[y1 : y1 + height])
    assert np.array_equal(mask, truth[y1 : y1 + height])
    assert truth.sum() == 3 * 24
    assert set(np.unique(whole)) == {70, 100}


def test_levels_stay_within_eight_bits() -> None:
    sheet = np.full((20, 9), 250, np.uint16)
    stamp = make_stamp()
    Stamp(stamp.place, stamp.keep * 0 + 3, stamp.add * -1, stamp.inside).press(sheet, 0)
    assert sheet.max() == 255
    Stamp(stamp.place, stamp.keep, stamp.add * -100, stamp.inside).press(sheet, 0)
    assert sheet.min() == 0


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from([*KINDS.values(), Slub]), seed=st.integers(0, 10**6), room=st.sampled_from([64, 300])
)
def test_a_mark_lies_in_its_place_and_is_one_thing(kind: type, seed: int, room: int) -> None:
    cloth = Cloth(room, seed=seed % 7)
    place = kind.find_place(np.random.default_rng(seed), 5000, room // 2, room).move_between_columns(room)
    assert 0 <= place.x1 < place.x2 <= room
    stamp = kind(place, seed, 1).draw(cloth)
    shape = (place.y2 - place.y1, place.x2 - place.x1)
    assert stamp.keep.shape == stamp.add.shape == stamp.inside.shape == shape
    assert stamp.keep.dtype == stamp.add.dtype == np.float32
    changed = (stamp.keep != 1.0) | (stamp.add != 0.0)
    assert not (stamp.inside & ~changed).any()
    assert changed.any()
    assert len(np.asarray(find_regions(stamp.inside.astype(np.uint8)))) == (0 if kind is Slub else 1)


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [(Place(0, 0, 4, 4), Place(4, 0, 8, 4), 0), (Place(0, 0, 4, 4), Place(0, 9, 4, 12), 5)],
)
def test_places_meet_within_the_gap(one: Place, other: Place, gap: int) -> None:
    assert not one.meets(other, gap=gap)
    assert one.meets(other, gap=gap + 1)
    assert other.meets(one, gap=gap + 1)


def test_places_are_moved_no_more_than_needed() -> None:
    assert Place(-3, 5, 7, 9).move_between_columns(20) == Place(0, 5, 10, 9)
    assert Place(15, 5, 25, 9).move_between_columns(20) == Place(10, 5, 20, 9)
    assert Place(1, 5, 7, 9).move_between_rows(6, 20) == Place(1, 6, 7, 10)
    assert Place(1, 18, 7, 22).move_between_rows(6, 20) == Place(1, 16, 7, 20)
    assert Place(1, 5, 7, 9).move_down_to(7) == Place(1, 7, 7, 11)
    assert Place(1, 5, 7, 9).move_down_to(4) == Place(1, 5, 7, 9)
