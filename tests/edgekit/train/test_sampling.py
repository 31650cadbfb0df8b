"""Which images an epoch shows, and which part of each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import Sample
from edgekit.train.recipe import Sampling
from edgekit.train.sampling import crop_sample, draw_order
from edgekit_runtime.errors import DatasetError

SIDES = st.integers(1, 20)


def generate(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def make_sample(height: int, width: int, *points: tuple[int, int]) -> Sample:
    """Every pixel's value tells its place, modulo 251."""
    image = (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width)
    mask = np.zeros((height, width), np.uint8)
    for point in points:
        mask[point] = 1
    return Sample("x", image, mask)


@given(
    defective=st.lists(st.booleans(), min_size=1, max_size=20),
    wanted=st.integers(1, 60) | st.none(),
    seed=st.integers(0, 99),
)
def test_every_image_once_before_any_twice(defective: list[bool], wanted: int | None, seed: int) -> None:
    order = draw_order(Sampling(images_per_epoch=wanted), np.array(defective), generate(seed))
    count = wanted or len(defective)
    assert len(order) == count
    times = Counter(order.tolist())
    drawn = [times[index] for index in range(len(defective))]
    assert max(drawn) - min(drawn) <= 1
    # Not only over the whole epoch: each round of it shows every image.
    first = order[: len(defective)].tolist()
    assert len(set(first)) == len(first)


@given(
    normal=st.integers(1, 12),
    defective=st.integers(1, 12),
    share=st.floats(0, 1),
    wanted=st.integers(1, 60) | st.none(),
    seed=st.integers(0, 99),
)
def test_the_share_of_defective_images_is_exact_and_each_kind_takes_turns(
    normal: int, defective: int, share: float, wanted: int | None, seed: int
) -> None:
    shows = np.array([True] * defective + [False] * normal)
    order = draw_order(Sampling(wanted, share), shows, generate(seed))
    count = wanted or len(shows)
    assert len(order) == count
    assert int(shows[order].sum()) == round(share * count)
    for kind in (True, False):
        drawn = [int((order == index).sum()) for index in np.flatnonzero(shows == kind)]
        assert max(drawn) - min(drawn) <= 1


def test_defective_images_are_spread_over_the_epoch() -> None:
    shows = np.array([True] * 50 + [False] * 50)
    order = draw_order(Sampling(defective_share=0.5), shows, generate())
    assert 10 < shows[order][:50].sum() < 40


@pytest.mark.parametrize(
    ("shows", "share", "absent"),
    [(True, 0.5, "defect-free"), (False, 0.5, "defective"), (True, 0.0, "defect-free")],
)
def test_a_kind_that_is_absent_is_named(shows: bool, share: float, absent: str) -> None:
    with pytest.raises(DatasetError, match=f"no {absent} image") as caught:
        draw_order(Sampling(defective_share=share), np.array([shows] * 4), generate())
    assert "--defective-share" in caught.value.remedy


@pytest.mark.parametrize(("shows", "share"), [(True, 1.0), (False, 0.0)])
def test_a_kind_that_is_not_asked_for_may_be_absent(shows: bool, share: float) -> None:
    assert len(draw_order(Sampling(defective_share=share), np.array([shows] * 4), generate())) == 4


@settings(max_examples=200)
@given(height=SIDES, width=SIDES, side=st.integers(1, 25), seed=st.integers(0, 999), data=st.data())
def test_a_crop_stays_inside_and_holds_a_defective_pixel_where_that_is_asked(
    height: int, width: int, side: int, seed: int, data: st.DataObject
) -> None:
    points = data.draw(
        st.lists(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)), min_size=1, max_size=3)
    )
    sample = make_sample(height, width, *points)
    cropped = crop_sample(sample, Sampling(crop_px=side, crop_on_defect=1.0), generate(seed))
    rows, columns = min(side, height), min(side, width)
    assert cropped.image.shape == cropped.mask.shape == (rows, columns)
    assert cropped.mask.any()
    found = [
        (top, left)
        for top in range(height - rows + 1)
        for left in range(width - columns + 1)
        if np.array_equal(sample.image[top : top + rows, left : left + columns], cropped.image)
        and np.array_equal(sample.mask[top : top + rows, left : left + columns], cropped.mask)
    ]
    assert found, "image and mask were not cut at one place"


def test_a_share_of_the_crops_is_placed_on_the_defect() -> None:
    sample = make_sample(100, 100, (0, 0))  # chance alone hits a corner once in 91² crops
    sampling = Sampling(crop_px=10, crop_on_defect=0.3)
    generator = generate()
    hits = sum(crop_sample(sample, sampling, generator).mask.any() for _ in range(1000))
    assert 240 < hits < 360  # four standard deviations of a binomial


def test_crops_are_uniform_without_a_wish_and_reach_every_place() -> None:
    sample = make_sample(1, 10)
    generator = generate()
    starts = Counter(
        int(crop_sample(sample, Sampling(crop_px=4), generator).image[0, 0]) for _ in range(3500)
    )
    assert set(starts) == set(range(7))
    assert all(400 < times < 600 for times in starts.values())


def test_every_defective_pixel_is_as_likely_to_be_held() -> None:
    """A large defect is not always cut at one of its ends."""
    sample = make_sample(1, 30, *[(0, column) for column in range(30)])
    generator = generate()
    starts = {
        int(crop_sample(sample, Sampling(crop_px=3, crop_on_defect=1.0), generator).image[0, 0])
        for _ in range(2000)
    }
    assert starts == set(range(28))


def test_images_without_a_defect_or_a_mask_are_cropped_anywhere() -> None:
    sampling = Sampling(crop_px=2, crop_on_defect=1.0)
    assert crop_sample(make_sample(6, 6), sampling, generate()).image.shape == (2, 2)
    bare = Sample("x", np.zeros((6, 6, 3), np.uint8), None, ("hole",))
    cropped = crop_sample(bare, sampling, generate())
    assert (cropped.image.shape, cropped.mask, cropped.kinds) == ((2, 2, 3), None, ("hole",))


def test_without_a_crop_the_sample_stays() -> None:
    sample = make_sample(4, 5)
    assert crop_sample(sample, Sampling(), generate()) is sample
