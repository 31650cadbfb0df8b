"""Thumbnails: aspect, and that what is marked stays visible."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgekit.media.overlays import TRUTH
from edgekit.media.thumbnails import draw_thumbnail, encode_data_uri, fit_picture

sides = st.integers(1, 400)


@settings(deadline=None)
@given(height=sides, width=sides, side=st.integers(1, 200), channels=st.sampled_from([(), (3,)]))
def test_the_longer_side_is_the_one_asked_for(
    height: int, width: int, side: int, channels: tuple[int, ...]
) -> None:
    fitted = fit_picture(np.full((height, width, *channels), 77, np.uint8), side)
    assert max(fitted.shape[:2]) == side
    assert fitted.shape[0] == max(1, round(height * side / max(height, width)))
    assert fitted.shape[2:] == channels
    assert (fitted == 77).all()


def outline(picture: np.ndarray) -> np.ndarray:
    return (picture == TRUTH).all(axis=2)


@pytest.mark.parametrize("shape", [(100, 100), (4000, 3000)])
def test_one_marked_pixel_is_outlined_whatever_the_scale(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, np.uint8)
    mask[shape[0] // 2, shape[1] // 2] = 1
    image = np.full(shape, 50, np.uint8)
    marked = outline(draw_thumbnail(image, mask, 100))
    assert marked.any()
    rows, columns = np.nonzero(marked)
    assert abs(rows.mean() - 50) < 2
    assert abs(columns.mean() - marked.shape[1] / 2) < 2


def test_the_outline_covers_nothing_that_is_marked() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[40:42, 10:90] = 3
    picture = draw_thumbnail(np.full((100, 100), 50, np.uint8), mask, 100)
    assert not outline(picture)[mask > 0].any()
    assert (picture[mask > 0] == 50).all()


@pytest.mark.parametrize("mask", [None, np.zeros((10, 20), np.uint8)])
def test_nothing_is_drawn_where_nothing_is_marked(mask: np.ndarray | None) -> None:
    picture = draw_thumbnail(np.full((10, 20), 50, np.uint8), mask, 40)
    assert picture.shape == (20, 40, 3)
    assert (picture == 50).all()


def test_colours_stay() -> None:
    picture = draw_thumbnail(np.full((8, 8, 3), (10, 20, 200), np.uint8), None, 8)
    assert (picture == [10, 20, 200]).all()


def test_a_data_uri_is_the_picture() -> None:
    address = encode_data_uri(np.full((8, 16, 3), (200, 100, 50), np.uint8))
    head, _, content = address.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (16, 8)
        assert np.abs(np.asarray(image).astype(int) - (200, 100, 50)).max() < 8
