"""What is kept of an image: the same for the same pixels, turned with the image, exact in float32, read once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.splitting.likeness import SIDE, look_at, look_at_items, measure_norms
from edgekit.data.splitting.perceptual_hash import orient
from edgekit.reporting import Reporter
from edgekit_runtime.errors import FrameError
from tests.edgekit.data.splitting.pictures import (
    Picture,
    PicturesInMemory,
    draw_part,
    draw_picture,
    encode_jpeg,
    turn,
)

QUIET = Reporter(quiet=True)


def correlate(first: np.ndarray, second: np.ndarray) -> float:
    both = np.stack([first, second])
    return float((first.astype(float) * second).sum() / np.prod(measure_norms(both)))


@given(seed=st.integers(0, 10**6), way=st.integers(0, 7), height=st.integers(1, 80), width=st.integers(1, 80))
@settings(max_examples=40, deadline=None)
def test_a_turned_image_has_turned_pictures(seed: int, way: int, height: int, width: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    look, turned = look_at(image), look_at(turn(image, way))
    assert np.array_equal(orient(look.outline, way), turned.outline)
    assert np.array_equal(orient(look.detail, way), turned.detail)


@pytest.mark.parametrize("image", [draw_picture(1), np.eye(40, dtype=np.uint8) * 255, draw_part(1)])
def test_products_fit_into_float32(image: np.ndarray) -> None:
    look = look_at(image)
    for picture in (look.outline, look.detail):
        assert picture.shape == (SIDE, SIDE)
        assert (picture.astype(np.int64) ** 2).sum() <= 2**24
        assert abs(picture.mean()) < 1


def test_pixels_tell_exact_copies_whatever_the_number_of_channels() -> None:
    image = draw_picture(2)
    again = look_at(np.repeat(image[:, :, None], 3, axis=2))
    assert again.pixels == look_at(image).pixels
    assert look_at(image.reshape(-1, 24)).pixels != look_at(image).pixels
    other = image.copy()
    other[3, 4] ^= 1
    assert look_at(other).pixels != look_at(image).pixels


def test_slow_changes_of_light_do_not_count() -> None:
    image = draw_picture(3, (128, 128))
    lit = np.clip(image * np.linspace(0.7, 1.3, 128)[None, :], 0, 255).astype(np.uint8)
    assert correlate(look_at(image).outline, look_at(lit).outline) > 0.9


def test_an_image_without_contrast_is_like_nothing() -> None:
    look = look_at(np.full((90, 90), 50, np.uint8))
    assert not look.outline.any()
    assert not look.detail.any()
    assert correlate(look.outline, look.outline) == 0


def test_parts_in_a_fixture_share_the_outline_and_not_the_detail() -> None:
    first, second = look_at(draw_part(1)), look_at(draw_part(2))
    assert correlate(first.outline, second.outline) > 0.95
    assert correlate(first.detail, second.detail) < 0.8
    copy = look_at(encode_jpeg(draw_part(1)))
    assert correlate(first.detail, copy.detail) > 0.85


def test_each_image_is_read_once_per_process() -> None:
    pictures = PicturesInMemory([Picture(str(n), draw_picture(700 + n)) for n in range(3)])
    first = look_at_items(pictures, reporter=QUIET)
    assert pictures.reads == 3
    again = PicturesInMemory([*pictures.pictures, Picture("new", draw_picture(799))])
    assert look_at_items(again, reporter=QUIET)[:3] == first
    assert again.reads == 1


def test_an_image_that_cannot_be_read_is_named() -> None:
    class Broken(PicturesInMemory):
        def load(self, index: int):
            raise FrameError("plate-7.png cannot be read")

    with pytest.raises(FrameError, match=r"plate-7\.png"):
        look_at_items(Broken([Picture("a", draw_picture(801))]), reporter=QUIET)


def test_a_picture_is_the_same_at_any_depth() -> None:
    image = draw_part(1)
    deep, look = look_at(image.astype(np.uint16) << 8, bits=16), look_at(image)
    assert np.array_equal(deep.hashes, look.hashes)
    assert np.array_equal(deep.outline, look.outline)
    assert np.array_equal(deep.detail, look.detail)
    brightest = look_at(np.full((90, 90), 65535, np.uint16) // (np.arange(90, dtype=np.uint16) + 1), bits=16)
    assert brightest.outline.any()  # nothing overflowed into a plain picture
