"""The endless web: the same pixels however it is read, and truths that are what the mask shows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.fabric import KINDS, WEAVES, FabricWeb
from edgekit.data.fabric.placing import GAP_PX
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.regions import find_regions

WIDTH, ROWS = 300, 1500
#: Far more than a line makes: every strip of the tests holds some.
MANY = 12.0


def make_web(seed: int = 0, **options: object) -> FabricWeb:
    return FabricWeb(WIDTH, seed=seed, **{"defects_per_metre": MANY, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole() -> tuple[np.ndarray, np.ndarray]:
    """The first rows of a web, read at once."""
    return make_web().rows(0, ROWS)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=12), backwards=st.booleans())
def test_pixels_do_not_depend_on_how_the_web_is_cut(
    whole: tuple[np.ndarray, np.ndarray], cuts: list[int], backwards: bool
) -> None:
    web = make_web()
    borders = sorted({0, *cuts, ROWS})
    strips = list(itertools.pairwise(borders))
    for y1, y2 in reversed(strips) if backwards else strips:
        image, mask = web.rows(y1, y2)
        assert np.array_equal(image, whole[0][y1:y2])
        assert np.array_equal(mask, whole[1][y1:y2])


def test_a_place_far_down_is_reached_without_what_is_before() -> None:
    # A year of cloth at 60 m/min is 3.2e7 m, 1e11 rows; yarns must be as sharp there.
    far = 10**11
    image, _ = make_web().rows(far, far + 256)
    near, _ = make_web().rows(0, 256)
    assert np.array_equal(make_web().rows(far + 100, far + 130)[0], image[100:130])
    assert 0.5 < image.std() / near.std() < 2.0


def test_strips_have_the_documented_form(whole: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = whole
    assert image.shape == mask.shape == (ROWS, WIDTH)
    assert image.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) <= set(range(len(KINDS) + 1))
    assert make_web().rows(7, 7)[0].shape == (0, WIDTH)


def test_a_strip_is_the_readers_own(whole: tuple[np.ndarray, np.ndarray]) -> None:
    web = make_web()
    web.rows(0, 128)[0][...] = 0
    assert np.array_equal(web.rows(0, 128)[0], whole[0][:128])


def test_seed_weave_and_kinds_decide(whole: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.mean(make_web(1).rows(0, 256)[0] != whole[0][:256]) > 0.5
    pictures = [make_web(weave=weave).rows(0, 256)[0] for weave in WEAVES]
    assert all(np.mean(a != b) > 0.5 for a, b in itertools.pairwise(pictures))
    labels = {true.label for true in make_web(kinds=("hole", "stain")).truths(0, 20_000)}
    assert labels == {"hole", "stain"}


@pytest.mark.parametrize("seed", range(4))
def test_truths_are_the_regions_of_the_mask(seed: int) -> None:
    web = make_web(seed)
    truths = [true for true in web.truths(0, 6000) if true.y2 <= 6000]
    _, mask = web.rows(0, 6000)
    for true in web.truths(5999, 6000):
        mask[true.y1 :, true.x1 : true.x2] = 0  # one that runs on is not seen whole
    found = find_regions(mask, connectivity=8)
    truths = [true for true in truths if true.y2 < 6000]
    value = {kind: index + 1 for index, kind in enumerate(KINDS)}
    expected = [(true.x1, true.y1, true.x2, true.y2, true.area_px, value[true.label]) for true in truths]
    assert len(expected) > 5
    assert sorted(tuple(int(number) for number in row) for row in np.asarray(found)) == sorted(expected)


def test_truths_of_strips_are_the_truths_of_the_web() -> None:
    web = make_web(2)
    strips = {true for y1 in range(0, 6000, 150) for true in web.truths(y1, y1 + 150)}
    assert strips == set(web.truths(0, 6000))
    assert all(true.y2 > 1000 and true.y1 < 1100 for true in web.truths(1000, 1100))


def test_every_kind_occurs_and_none_touches_another() -> None:
    truths = make_web(3).truths(0, 60_000)
    assert {true.label for true in truths} == set(KINDS)
    for index, one in enumerate(truths):
        for other in truths[index + 1 :]:
            apart_x = max(one.x1, other.x1) - min(one.x2, other.x2)
            apart_y = max(one.y1, other.y1) - min(one.y2, other.y2)
            assert max(apart_x, apart_y) >= GAP_PX


def test_defects_are_as_frequent_as_asked_where_they_are_rare() -> None:
    web = FabricWeb(4096, defects_per_metre=2.0, mm_per_pixel=0.5, kinds=("hole",))
    rows = 400_000  # 200 m: 400 holes expected, 20 their standard deviation
    assert 320 < len(web.truths(0, rows)) < 480
    assert not FabricWeb(4096, defects_per_metre=0.0).truths(0, rows)


def test_memory_does_not_grow_with_the_web() -> None:
    web = make_web()
    for y1 in range(0, 200_000, 20_000):
        web.rows(y1, y1 + 200)
    assert web._band.cache_info().currsize <= 2
    assert web._stamp.cache_info().currsize <= 32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 63}, "at least 64"),
        ({"seed": -1}, "0 or more"),
        ({"defects_per_metre": -0.1}, "defects per metre"),
        ({"defects_per_metre": float("nan")}, "defects per metre"),
        ({"mm_per_pixel": 0.0}, "mm per pixel"),
        ({"weave": "twil"}, "no weave 'twil'"),
        ({"kinds": ("hole", "tear")}, "no defect 'tear'"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        FabricWeb(**{"width": WIDTH, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(("y1", "y2"), [(-1, 5), (5, 4)])
def test_rows_that_no_web_has_are_refused(y1: int, y2: int) -> None:
    with pytest.raises(UsageProblem, match="0 <= y1 <= y2"):
        make_web().rows(y1, y2)
    with pytest.raises(UsageProblem, match="0 <= y1 <= y2"):
        make_web().truths(y1, y2)
