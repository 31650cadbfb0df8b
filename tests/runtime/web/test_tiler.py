"""Tiles of a web: those of the whole web, however it came and however long it is."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.tiling import plan_tiles
from edgekit_runtime.web.tiler import WebTiler
from tests.runtime.tiles import make_pixels, tilings


def feed(tiler, web, cuts):
    """Hand the web over in strips that end at the cuts."""
    bands = []
    for strip in np.split(web, sorted(set(cuts) - {0, len(web)})):
        bands += tiler.add(strip)
    return bands + tiler.finish()


@given(
    size=st.tuples(st.integers(1, 80), st.integers(1, 30)),
    tiling=tilings(),
    cuts=st.lists(st.integers(1, 79), max_size=10),
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([None, 3]),
)
def test_bands_are_the_rows_of_tiles_of_the_whole_web(size, tiling, cuts, seed, channels):
    web = make_pixels(seed, size, channels)
    grid = plan_tiles(size, *tiling)
    bands = feed(WebTiler(size[1], *tiling), web, [cut for cut in cuts if cut < size[0]])
    masks = make_pixels(seed + 1, (len(grid), *tiling[0]))
    by_offset = dict(
        zip(
            grid.rows.offsets,
            zip(*(np.split(pixels, len(grid.rows)) for pixels in (grid.cut(web), masks)), strict=True),
            strict=True,
        )
    )
    joined = []
    for band in bands:
        tiles, answers = by_offset[band.first_row - band.top]
        np.testing.assert_array_equal(band.tiles, tiles)
        joined.append(band.join(answers))
    np.testing.assert_array_equal(np.concatenate(joined), grid.join(masks))
    assert [band.first_row for band in bands] == [0, *np.cumsum([band.rows for band in bands])[:-1]]
    # The last tiles come twice where the web ends with them, and not at once, because they shared rows.
    assert len(bands) - len(grid.rows) in (0, 1 if tiling[1] else 0)


@given(tiling=tilings(), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_columns_that_are_dropped_are_not_cut_and_hold_no_defect(tiling, seed, data):
    web = make_pixels(seed, (50, 37))
    grid = plan_tiles(web.shape, *tiling)
    count = len(grid.columns)
    used = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    bands = feed(WebTiler(37, *tiling, columns=used[::-1]), web, [7, 20])
    all_tiles = grid.cut(web).reshape(len(grid.rows), count, *tiling[0])
    for band in bands:
        row = grid.rows.offsets.index(band.first_row - band.top)
        np.testing.assert_array_equal(band.tiles, all_tiles[row][used])
    joined = np.concatenate([band.join(band.tiles) for band in bands])
    expected = np.zeros_like(web)
    for column in used:
        expected[:, grid.columns.owned(column)] = web[:, grid.columns.owned(column)]
    np.testing.assert_array_equal(joined, expected)


def test_the_outer_tiles_of_two_line_cameras_are_dropped():
    """The case of DI-Net's line: 8192 columns, tiles of 512, 14 of 16 are inspected."""
    tiler = WebTiler(8192, (512, 512), 0, 16, columns=range(1, 15))
    (band,) = tiler.add(np.ones((512, 8192), np.uint8))
    assert band.tiles.shape == (14, 512, 512)
    mask = band.join(band.tiles)
    assert mask.shape == (512, 8192)
    assert mask.sum() == 14 * 512 * 512


@pytest.mark.parametrize("overlap", [0, 16, 32])
def test_a_band_comes_with_the_last_row_of_its_tiles(overlap):
    """A line must not wait for the next strip to hear of this one."""
    tiler = WebTiler(10, (64, 64), overlap, 16)
    row = np.zeros((1, 10), np.uint8)
    bands = [tiler.add(row) for _ in range(64)]
    assert [len(found) for found in bands] == [0] * 63 + [1]
    assert bands[-1][0].rows == 64 - overlap // 2
    assert [band.rows for band in tiler.finish()] == ([overlap // 2] if overlap else [])


@pytest.mark.parametrize("height", [1, 7, 40, 1000])
def test_memory_is_that_of_one_tiles_height_however_long_the_web_is(height):
    tiler = WebTiler(256, (64, 64), 32, 16)
    strip = np.zeros((height, 256), np.uint8)
    rows = 0
    tracemalloc.start()
    try:
        tiler.add(strip)
        while rows < 20_000:
            tiler.add(strip)
            rows += height
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 64 * 256 + 4096


def test_strips_may_be_overwritten_by_the_camera():
    buffer = np.full((5, 8), 1, np.uint8)
    tiler = WebTiler(8, (8, 8), 0, 8)
    tiler.add(buffer)
    buffer[:] = 2
    (band,) = tiler.add(buffer)
    buffer[:] = 9
    assert band.tiles[0, :, 0].tolist() == [1] * 5 + [2] * 3
    (last,) = tiler.finish()
    assert last.join(last.tiles)[:, 0].tolist() == [2, 2]


def test_rows_are_numbered_from_where_the_web_goes_on():
    tiler = WebTiler(4, (4, 4), 0, 4, first_row=100)
    bands = [*tiler.add(np.zeros((6, 4), np.uint8)), *tiler.finish()]
    assert [(band.first_row, band.rows) for band in bands] == [(100, 4), (104, 2)]


def test_a_web_without_rows_has_no_band():
    assert WebTiler(4, (4, 4), 0, 4).finish() == []


def test_a_finished_web_takes_no_strip():
    tiler = WebTiler(4, (4, 4), 0, 4)
    tiler.add(np.zeros((2, 4), np.uint8))
    assert len(tiler.finish()) == 1
    assert tiler.finish() == []
    with pytest.raises(UsageProblem, match="finished"):
        tiler.add(np.zeros((2, 4), np.uint8))


@pytest.mark.parametrize(
    "strip",
    [
        np.zeros((2, 5), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 4, 3), np.uint8),
        np.zeros((2, 4), np.uint16),
    ],
)
def test_a_strip_that_does_not_continue_the_web_is_refused_and_the_web_goes_on(strip):
    tiler = WebTiler(4, (4, 4), 0, 4)
    tiler.add(np.ones((3, 4), np.uint8))
    with pytest.raises(FrameError):
        tiler.add(strip)
    (band,) = tiler.add(np.ones((2, 4), np.uint8))
    assert (band.tiles == 1).all()


@pytest.mark.parametrize("columns", [[], [-1], [0, 3]])
def test_columns_that_are_not_there_are_refused(columns):
    with pytest.raises(UsageProblem, match="0 to 2"):
        WebTiler(12, (4, 4), 0, 4, columns=columns)


def test_masks_of_another_size_are_refused():
    tiler = WebTiler(12, (4, 4), 0, 4)
    (band,) = tiler.add(np.zeros((5, 12), np.uint8))
    with pytest.raises(ValueError, match=r"\(3, 4, 4\)"):
        band.join(np.zeros((2, 4, 4), np.uint8))
