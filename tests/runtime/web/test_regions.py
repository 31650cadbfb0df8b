"""A web's regions are those of `find_regions` on the whole of it, however it is cut: with both labellings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime import regions
from edgekit_runtime.errors import MaskError, UsageProblem
from edgekit_runtime.labelling import numpy_runs
from edgekit_runtime.regions import find_regions, prepare_regions
from edgekit_runtime.web.regions import WebRegions
from tests.runtime.masks import adversarial_masks

ADVERSARIAL = adversarial_masks(64)


@pytest.fixture(params=["numpy", "compiled"], scope="module", autouse=True)
def labelling(request):
    with pytest.MonkeyPatch.context() as patch:
        chosen = regions._Labelling(numpy_runs.find_rows, numpy_runs.continue_rows)
        patch.setattr(regions, "_labelling", chosen)
        if request.param == "compiled":
            assert prepare_regions()
            assert chosen.continue_rows is not numpy_runs.continue_rows
        yield request.param


def ordered(rows):
    return rows[np.lexsort(rows.T[[5, 4, 2, 3, 0, 1]])]


def find_in_bands(mask, cuts, connectivity):
    """Return all rows, in order; each must be given when it is complete, and the others be open as they stand."""
    web = WebRegions(mask.shape[1], connectivity=connectivity)
    whole = find_regions(mask, connectivity=connectivity)
    given = [web.finish()]
    seen = 0
    for band in np.split(mask, cuts):
        rows = web.add(band)
        seen += len(band)
        assert web.seen == seen
        assert rows.tolist() == ordered(rows).tolist()
        given.append(rows)
        so_far = find_regions(mask[:seen], connectivity=connectivity)
        assert ordered(web.open).tolist() == so_far[so_far[:, 3] == seen].tolist()
        assert len(np.concatenate(given)) == np.count_nonzero(whole[:, 3] < seen)
    given.append(web.finish())
    assert len(web.open) == 0
    return ordered(np.concatenate(given)).tolist()


def assert_same(mask, cuts, connectivity):
    assert find_in_bands(mask, cuts, connectivity) == find_regions(mask, connectivity=connectivity).tolist()


@st.composite
def cut_masks(draw):
    """Noise of any density and number of classes, drawn out along and across, and where it is cut."""
    shape = draw(st.integers(1, 60)), draw(st.integers(1, 140))
    classes = draw(st.sampled_from([1, 1, 2, 255]))
    density = draw(st.sampled_from([0.02, 0.2, 0.4, 0.5, 0.6, 0.9, 1.0]))
    across, along = draw(st.sampled_from([(1, 1), (1, 7), (3, 1), (20, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = rng.integers(1, classes, shape, np.uint8, endpoint=True) * (rng.random(shape) < density)
    drawn = np.repeat(np.repeat(noise, along, axis=0), across, axis=1)[: shape[0], : shape[1]]
    cuts = sorted(draw(st.lists(st.integers(0, shape[0]), max_size=12)))
    return np.ascontiguousarray(drawn), cuts


@settings(max_examples=300, deadline=None)
@given(cut=cut_masks(), connectivity=st.sampled_from([4, 8]))
def test_equals_the_whole_web_on_random_masks_and_cuts(cut, connectivity):
    assert_same(*cut, connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("height", [1, 2, 3, 7, 31])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_equals_the_whole_web_on_adversarial_masks(name, height, connectivity):
    mask = ADVERSARIAL[name]
    assert_same(mask, range(height, len(mask), height), connectivity)


def test_legs_that_join_three_bands_later_are_one_region():
    mask = np.zeros((20, 30), np.uint8)
    mask[1:18, [3, 9, 20]] = 1
    mask[17, 3:21] = 1
    web = WebRegions(30)
    assert [len(web.add(band)) for band in np.split(mask, 4)] == [0, 0, 0, 1]
    assert len(WebRegions(30).add(mask)) == 1


def test_u_shapes_in_one_another_close_from_the_inside():
    mask = np.zeros((30, 41), np.uint8)
    for depth in range(0, 20, 2):
        mask[: 29 - depth, [depth, 40 - depth]] = 1
        mask[28 - depth, depth : 41 - depth] = 1
    web = WebRegions(41)
    web.add(mask[:2])
    assert len(web.open) == 20
    given = [len(web.add(mask[y : y + 1])) for y in range(2, 30)]
    assert sum(given) == 10
    assert max(given) == 1


def test_regions_that_touch_diagonally_over_a_seam_are_one_with_8_neighbours_alone():
    upper, lower = np.eye(2, dtype=np.uint8)[:1], np.eye(2, dtype=np.uint8)[1:]
    for connectivity, areas in ((8, [2]), (4, [1, 1])):
        web = WebRegions(2, connectivity=connectivity)
        rows = np.concatenate([web.add(upper), web.add(lower), web.finish()])
        assert rows[:, 4].tolist() == areas


def test_classes_stay_apart_over_a_seam():
    web = WebRegions(3)
    web.add(np.uint8([[1, 1, 2]]))
    assert web.add(np.uint8([[2, 0, 2]])).tolist() == [[0, 0, 2, 1, 2, 1]]
    assert web.finish().tolist() == [[2, 0, 3, 2, 2, 2], [0, 1, 1, 2, 1, 2]]


def test_a_row_that_nobody_looked_at_ends_every_region_and_counts_in_the_coordinates():
    web = WebRegions(4)
    band = np.uint8([[0, 1, 1, 0], [0, 1, 0, 2]])
    assert len(web.add(band)) == 0
    assert web.skip(5).tolist() == [[1, 0, 3, 2, 3, 1], [3, 1, 4, 2, 1, 2]]
    assert (web.seen, len(web.open)) == (7, 0)
    assert web.add(band[::-1].copy()).tolist() == [[3, 7, 4, 8, 1, 2]]
    assert web.skip(0).tolist() == []
    assert web.open.tolist() == [[1, 7, 3, 9, 3, 1]]


def test_an_empty_band_changes_nothing():
    web = WebRegions(3)
    web.add(np.ones((2, 3), np.uint8))
    assert web.add(np.ones((0, 3), np.uint8)).tolist() == []
    assert (web.seen, web.open.tolist()) == (2, [[0, 0, 3, 2, 6, 1]])


def test_what_is_open_is_a_copy():
    web = WebRegions(3)
    web.add(np.ones((2, 3), np.uint8))
    web.open[:] = 0
    assert web.finish().tolist() == [[0, 0, 3, 2, 6, 1]]


def kept_bytes(web):
    """Bytes of the arrays that are kept, and of those that they are views of; all else are numbers."""
    assert {type(value) for name, value in vars(web).items() if name != "_seam"} == {int}
    bases = [part.base for part in web._seam if isinstance(part.base, np.ndarray)]
    return sum(array.nbytes for array in [*web._seam, *bases])


@pytest.mark.parametrize(
    "row",
    [np.ones(512), np.arange(512) % 2, np.arange(512) % 2 + 1, np.zeros(512)],
    ids=["full", "comb", "classes", "empty"],
)
def test_memory_is_bounded_by_the_width_however_long_regions_stay_open(row):
    web = WebRegions(512, connectivity=4)
    band = np.ascontiguousarray(np.broadcast_to(row.astype(np.uint8), (16, 512)))
    for _ in range(400):
        web.add(band)
        assert kept_bytes(web) <= 2 * 512 * (4 * 4 + 6 * 8)
    assert web.seen == 6400
    assert web.finish()[:, 4].sum() == 6400 * np.count_nonzero(row)


def test_areas_beyond_32_bits_are_exact():
    web = WebRegions(4)
    web.add(np.ones((3, 4), np.uint8))
    web._seam.rows[0, 4] += 2**40
    web._seam.rows[0, 1] -= 2**40
    web.add(np.ones((3, 4), np.uint8))
    assert web.finish().tolist() == [[0, -(2**40), 4, 6, 24 + 2**40, 1]]


def test_a_web_longer_than_32_bits_has_exact_coordinates():
    web = WebRegions(2)
    web.skip(2**40)
    web.add(np.ones((2, 2), np.uint8))
    assert web.add(np.zeros((1, 2), np.uint8)).tolist() == [[0, 2**40, 2, 2**40 + 2, 4, 1]]


@pytest.mark.parametrize(
    "band",
    [
        np.zeros((2, 3), np.uint8),
        np.zeros((2, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 4), np.int64),
        np.zeros((2, 4), bool),
    ],
)
def test_a_band_of_another_form_is_refused_and_changes_nothing(band):
    web = WebRegions(4)
    web.add(np.ones((1, 4), np.uint8))
    with pytest.raises(MaskError, match=r"uint8 \(rows, 4\)") as caught:
        web.add(band)
    assert "another width" in caught.value.remedy
    assert web.finish().tolist() == [[0, 0, 4, 1, 4, 1]]


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(UsageProblem, match="connectivity"):
        WebRegions(4, connectivity=6)
    with pytest.raises(UsageProblem, match="at least 1 px wide, got 0"):
        WebRegions(0)
    with pytest.raises(UsageProblem, match="-1 rows"):
        WebRegions(4).skip(-1)
