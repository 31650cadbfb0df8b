"""Tiles of one frame: every pixel is answered once, by a tile that shows what lies around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.padding import pad_frame, padded_size
from edgekit_runtime.tiling import check_overlap, plan_axis, plan_tiles
from tests.runtime.tiles import make_pixels, tilings

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
seeds = st.integers(0, 2**32 - 1)


@given(size=sizes, tiling=tilings(), seed=seeds, channels=st.sampled_from([None, 3]))
def test_tiles_are_cut_from_the_padded_frame(size, tiling, seed, channels):
    tile, overlap, multiple = tiling
    grid = plan_tiles(size, tile, overlap, multiple)
    frame = make_pixels(seed, size, channels)
    padded = pad_frame(frame, tuple(np.maximum(padded_size(*size, multiple), tile)))
    expected = [
        padded[y : y + tile[0], x : x + tile[1]] for y in grid.rows.offsets for x in grid.columns.offsets
    ]
    np.testing.assert_array_equal(grid.cut(frame), np.stack(expected))


@given(size=sizes, tiling=tilings(), seed=seeds)
def test_masks_are_joined_to_what_they_were_cut_from(size, tiling, seed):
    grid = plan_tiles(size, *tiling)
    frame = make_pixels(seed, size)
    np.testing.assert_array_equal(grid.join(grid.cut(frame)), frame)


@given(length=st.integers(1, 200), tiling=tilings())
def test_tiles_stand_on_the_networks_grid_and_share_the_overlap(length, tiling):
    (tile, _), overlap, multiple = tiling
    axis = plan_axis(length, tile, overlap, multiple)
    assert axis.offsets[0] == 0
    assert length <= axis.offsets[-1] + tile < max(length, tile) + multiple
    assert all(offset % multiple == 0 for offset in axis.offsets)
    steps = np.diff(axis.offsets)
    assert (steps[:-1] == tile - overlap).all()
    assert (steps > 0).all()
    assert (steps <= tile - overlap).all()


@given(length=st.integers(1, 200), tiling=tilings())
def test_a_tile_shows_half_of_the_overlap_around_what_it_answers(length, tiling):
    (tile, _), overlap, multiple = tiling
    axis = plan_axis(length, tile, overlap, multiple)
    assert axis.seams[0] == 0
    assert axis.seams[-1] == length
    for index in range(len(axis)):
        owned, inside = axis.owned(index), axis.owned_inside(index)
        assert owned.start < owned.stop
        assert 0 <= inside.start < inside.stop <= tile
        assert index == 0 or inside.start >= overlap // 2
        assert index == len(axis) - 1 or tile - inside.stop >= overlap // 2


def test_a_frame_of_one_tile_is_not_copied():
    frame = make_pixels(0, (8, 16))
    grid = plan_tiles((8, 16), (8, 16), 4, 4)
    assert np.shares_memory(grid.cut(frame), frame)
    masks = make_pixels(1, (1, 8, 16))
    assert np.shares_memory(grid.join(masks), masks)
    smaller = plan_tiles((3, 5), (8, 16), 4, 4)
    assert np.shares_memory(smaller.join(masks), masks)


def test_the_border_is_repeated_and_never_black():
    tiles = plan_tiles((3, 5), (4, 4), 0, 4).cut(np.full((3, 5), 7, np.uint8))
    assert (tiles == 7).all()


@pytest.mark.parametrize(
    ("overlap", "came", "remedy"),
    [
        (-1, "-1", "overlap of 0"),
        (5, "5", "overlap of 8"),
        (9, "9", "overlap of 8, or larger tiles"),
        (12, "12", "overlap of 8, or larger tiles"),
        (40, "40", "overlap of 8, or larger tiles"),
    ],
)
def test_an_overlap_that_does_not_fit_is_refused_with_one_that_does(overlap, came, remedy):
    with pytest.raises(
        UsageProblem, match=rf"0 to 8 pixels, in multiples of 4; got an overlap of {came}"
    ) as caught:
        plan_tiles((40, 40), (16, 32), overlap, 4)
    assert caught.match("16x32")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("tile", [(0, 16), (18, 16), (16, 8), (-16, 16)])
def test_a_tile_that_the_network_does_not_admit_is_refused(tile):
    with pytest.raises(UsageProblem, match="multiples of 16"):
        check_overlap(0, tile, 16)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_frame_without_a_pixel_is_refused(size):
    with pytest.raises(UsageProblem, match="no pixel"):
        plan_tiles(size, (16, 16), 0, 16)


def test_what_is_not_of_the_grids_size_is_refused():
    grid = plan_tiles((20, 30), (16, 16), 0, 16)
    with pytest.raises(ValueError, match="20×30"):
        grid.cut(np.zeros((30, 20), np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 16, 16\)"):
        grid.join(np.zeros((3, 16, 16), np.uint8))
