"""Changes of an image that leave its meaning."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data import Sample
from edgekit.train.augmentation import AUGMENTATIONS, TIMES_EIGHT, augment_sample, require_augmentations
from edgekit_runtime.errors import UsageProblem

GEOMETRIC = ("rot90", "flip", "flips")


def make_sample(height: int, width: int, *, colour: bool = False) -> Sample:
    """The mask is a function of the image, so that both can be seen to move alike."""
    image = np.random.default_rng(0).integers(0, 256, (height, width)).astype(np.uint8)
    mask = (image > 128).astype(np.uint8)
    return Sample("x", np.stack([image] * 3, axis=2) if colour else image, mask, ("hole",))


@given(
    names=st.lists(st.sampled_from(GEOMETRIC), max_size=4),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    colour=st.booleans(),
    seed=st.integers(0, 999),
)
def test_image_and_mask_move_alike(
    names: list[str], height: int, width: int, colour: bool, seed: int
) -> None:
    sample = make_sample(height, width, colour=colour)
    changed = augment_sample(sample, names, np.random.default_rng(seed))
    grey = changed.image[..., 0] if colour else changed.image
    assert np.array_equal((grey > 128).astype(np.uint8), changed.mask)
    assert sorted(grey.reshape(-1)) == sorted(
        sample.image[..., 0].reshape(-1) if colour else sample.image.reshape(-1)
    )
    assert changed.image.dtype == changed.mask.dtype == np.uint8
    assert (changed.name, changed.kinds) == ("x", ("hole",))


def test_rot90_and_flip_give_the_eight_orientations_about_equally_often() -> None:
    square = np.arange(9, dtype=np.uint8).reshape(3, 3)
    orientations = {
        turned.tobytes()
        for turns in range(4)
        for turned in (np.rot90(square, turns), np.fliplr(np.rot90(square, turns)))
    }
    assert len(orientations) == 8
    generator = np.random.default_rng(0)
    found = Counter(
        augment_sample(Sample("x", square, None), TIMES_EIGHT, generator).image.tobytes() for _ in range(8000)
    )
    assert set(found) == orientations
    assert all(850 < times < 1150 for times in found.values())  # 1000 ± five standard deviations


def test_flips_mirror_both_ways_and_never_turn() -> None:
    wide = np.arange(6, dtype=np.uint8).reshape(2, 3)
    generator = np.random.default_rng(0)
    found = {
        augment_sample(Sample("x", wide, None), ("flips",), generator).image.tobytes() for _ in range(200)
    }
    assert found == {view.tobytes() for view in (wide, wide[:, ::-1], wide[::-1], wide[::-1, ::-1])}


@given(seed=st.integers(0, 9999), low=st.integers(0, 200), spread=st.integers(1, 55))
def test_light_is_one_rising_table_per_image_and_leaves_the_mask(seed: int, low: int, spread: int) -> None:
    image = np.random.default_rng(1).integers(low, low + spread + 1, (16, 16)).astype(np.uint8)
    sample = Sample("x", image, (image > low).astype(np.uint8))
    changed = augment_sample(sample, ("light",), np.random.default_rng(seed))
    assert changed.mask is sample.mask
    assert changed.image.dtype == np.uint8
    levels = np.unique(image)
    table = [np.unique(changed.image[image == level]) for level in levels]
    assert all(len(values) == 1 for values in table), "one grey value became two"
    assert np.all(np.diff([int(values[0]) for values in table]) >= 0)


def test_light_stays_within_its_bounds_and_differs_between_draws() -> None:
    image = np.full((4, 4), 128, np.uint8)
    generator = np.random.default_rng(0)
    found = [
        int(augment_sample(Sample("x", image, None), ("light",), generator).image[0, 0]) for _ in range(500)
    ]
    # The mean is where contrast turns: gamma ±20 % moves 0.5 to 0.43 … 0.57, contrast that by a fifth more,
    # brightness by ±0.1 at most.
    assert 0.3 * 255 < min(found) < 110
    assert 146 < max(found) < 0.7 * 255
    assert len(set(found)) > 30


@given(seed=st.integers(0, 9999))
def test_light_changes_deep_images_as_it_changes_shallow_ones(seed: int) -> None:
    shallow = np.random.default_rng(1).integers(0, 256, (16, 16)).astype(np.uint8)
    # 4095 / 255 is no whole number, so the deep image is the one that is rounded here.
    deep = np.rint(shallow * (4095 / 255)).astype(np.uint16)
    changed = augment_sample(Sample("x", shallow, None), ("light",), np.random.default_rng(seed)).image
    sample = Sample("x", deep, None)
    other = augment_sample(sample, ("light",), np.random.default_rng(seed), levels=4096).image
    assert other.dtype == np.uint16
    assert other.max() <= 4095
    assert np.abs(other / 4095 - changed / 255).max() < 1.5 / 255


def test_order_and_generator_decide() -> None:
    sample = make_sample(5, 5)
    first, again, other = (
        augment_sample(sample, ("rot90", "flip", "light"), np.random.default_rng(seed)).image
        for seed in (4, 4, 5)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert augment_sample(sample, (), np.random.default_rng(0)) is sample


def test_unknown_names_are_refused_and_the_known_ones_told() -> None:
    with pytest.raises(UsageProblem, match="'blur'; choose from rot90, flip, flips, light"):
        require_augmentations(("flip", "blur"))
    require_augmentations(tuple(AUGMENTATIONS))
