"""The perceptual hash: exact under turning, near under re-encoding, far for other pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgekit.data.splitting import perceptual_hash
from edgekit.data.splitting.perceptual_hash import (
    count_differing_bits,
    hash_image,
    hash_orientations,
    orient,
    shrink_image,
)
from tests.edgekit.data.splitting.pictures import draw_picture, encode_jpeg, turn

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))
SEEDS = st.integers(0, 10**6)


def draw_noise(seed: int, size: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)


def distance(first: np.ndarray, second: np.ndarray) -> int:
    return int(count_differing_bits(np.uint64(hash_image(first)), np.uint64(hash_image(second))))


@given(seed=SEEDS, size=SIZES, side=st.integers(1, 72), colour=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_cell_is_the_mean_of_what_it_covers(
    seed: int, size: tuple[int, int], side: int, colour: bool
) -> None:
    image = draw_noise(seed, (*size, 3) if colour else size)
    grey = image.astype(np.int64) @ [299, 587, 114] if colour else image.astype(np.int64)
    fine = grey.repeat(side, axis=0).repeat(
        side, axis=1
    )  # each pixel in side × side parts: cells are whole parts
    sums = fine.reshape(side, size[0], side, size[1]).sum(axis=(1, 3))
    expected = np.rint(256 * sums / (size[0] * size[1] * (1000 if colour else 1)))
    assert np.array_equal(shrink_image(image, side), expected)


def test_strips_of_a_tall_image_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    image = draw_noise(3, (250, 40, 3))
    whole = shrink_image(image, 32)
    monkeypatch.setattr(perceptual_hash, "_ROWS_AT_A_TIME", 7)
    assert np.array_equal(shrink_image(image, 32), whole)


@given(seed=SEEDS, size=SIZES, way=st.integers(0, 7), colour=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_turned_image_has_the_same_hashes_in_another_order(
    seed: int, size: tuple[int, int], way: int, colour: bool
) -> None:
    image = draw_noise(seed, (*size, 3) if colour else size)
    assert sorted(hash_orientations(turn(image, way))) == sorted(hash_orientations(image))
    assert hash_orientations(image)[way] == hash_image(turn(image, way))


@given(seed=SEEDS, way=st.integers(0, 7), quality=st.integers(50, 95), lighter=st.integers(-40, 40))
@settings(max_examples=40, deadline=None)
def test_re_encoding_and_brightness_change_few_bits(seed: int, way: int, quality: int, lighter: int) -> None:
    image = np.clip(draw_picture(seed, (120, 150)), 45, 210)
    copy = encode_jpeg(turn(image, way) + np.int16(lighter).astype(np.uint8), quality)
    assert int(count_differing_bits(hash_orientations(image)[way], np.uint64(hash_image(copy)))) <= 8


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_little_noise_changes_few_bits(seed: int) -> None:
    image = draw_picture(seed, (120, 150))
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    assert distance(image, np.clip(image + noise, 0, 255).astype(np.uint8)) <= 8


def test_other_pictures_differ_in_half_of_the_bits() -> None:
    found = [distance(draw_picture(2 * n), draw_picture(2 * n + 1)) for n in range(40)]
    assert 25 <= np.mean(found) <= 38
    assert min(found) > 10


def test_another_scale_changes_few_bits() -> None:
    image = draw_picture(5, (200, 260))
    assert distance(image, np.asarray(Image.fromarray(image).resize((130, 100), Image.Resampling.BOX))) <= 4


def test_three_equal_channels_are_grey() -> None:
    image = draw_picture(6)
    assert hash_image(np.repeat(image[:, :, None], 3, axis=2)) == hash_image(image)


def test_colours_count_as_their_luma() -> None:
    colour = draw_noise(3, (50, 40, 3))
    luma = colour @ np.array([0.299, 0.587, 0.114])
    expected = luma.reshape(10, 5, 10, 4).mean(axis=(1, 3))
    assert np.abs(shrink_image(colour, 10) / 256 - expected).max() <= 0.5 / 256 + 1e-9


def test_cells_are_means_of_areas() -> None:
    image = draw_noise(4, (6, 6))
    assert np.array_equal(shrink_image(image, 6), image.astype(int) * 256)
    # Each of 4 × 4 cells covers 1.5 × 1.5 pixels: the first one whole, its neighbours half.
    corner = (image[0, 0] + image[0, 1] / 2 + image[1, 0] / 2 + image[1, 1] / 4) / 2.25
    assert shrink_image(image, 4)[0, 0] == np.rint(256 * corner)


def test_tall_images_are_summed_in_pieces() -> None:
    image = draw_noise(5, (2500, 3))
    assert np.abs(shrink_image(image, 5) / 256 - _means(image)).max() < 0.01


def _means(image: np.ndarray) -> np.ndarray:
    rows = image.reshape(5, 500, 3).mean(axis=1)
    return np.repeat(rows, 5, axis=1).reshape(5, 5, 3).mean(axis=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (31, 33), (700, 2)])
def test_any_size_has_a_hash_and_a_flat_image_the_empty_one(size: tuple[int, int]) -> None:
    assert hash_image(np.full(size, 77, np.uint8)) == 0
    assert hash_image(draw_noise(1, (64, 64))).bit_count() == 31


def test_orientations_are_a_group() -> None:
    cells = draw_noise(8, (3, 3))
    ways = {orient(cells, way).tobytes() for way in range(8)}
    assert len(ways) == 8
    assert {orient(orient(cells, 5), way).tobytes() for way in range(8)} == ways
    assert np.array_equal(orient(cells[None], 6)[0], turn(cells, 6))


@given(first=st.integers(0, 2**64 - 1), second=st.integers(0, 2**64 - 1))
def test_bits_are_counted_with_and_without_numpy_2(first: int, second: int) -> None:
    pair = np.array([[first]], np.uint64), np.array([second], np.uint64)
    assert count_differing_bits(*pair).tolist() == [[(first ^ second).bit_count()]]
    assert perceptual_hash.count_bits(pair[0] ^ pair[1]).tolist() == [[(first ^ second).bit_count()]]


def test_the_hash_of_a_known_image_never_changes() -> None:
    # Groups, and with them splits, hang on it: another hash is another release of the rule.
    y, x = np.mgrid[:40, :56]
    image = ((3 * x * x + 5 * x * y + 7 * y * y + 11 * x) % 251).astype(np.uint8)
    assert hash_image(image) == 6_100_781_752_406_948_468
