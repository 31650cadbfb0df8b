"""Drawing: what is tinted, what is boxed, and that the frame stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.media.overlays import DEFECT, TRUTH, draw_box, draw_outline, draw_result, to_rgb
from edgekit_runtime.results import Region


def test_a_result_is_drawn_on_a_copy() -> None:
    frame = np.full((20, 30), 100, np.uint8)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 8:16] = 1
    picture = draw_result(frame, mask, [Region(8, 5, 16, 10, 40, "defect")])
    assert picture.shape == (20, 30, 3)
    assert (frame == 100).all()
    assert (picture[7, 12] != 100).any()
    assert tuple(picture[4, 12]) == tuple(picture[10, 12]) == DEFECT
    assert tuple(picture[7, 7]) == tuple(picture[7, 16]) == DEFECT
    assert (picture[0, 0] == 100).all()


def test_without_mask_and_regions_nothing_is_drawn() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    assert np.array_equal(draw_result(frame, None, []), frame)


@pytest.mark.parametrize("box", [(0, 0, 8, 6), (0, 0, 1, 1), (7, 5, 8, 6)])
def test_boxes_at_the_border_stay_inside(box: tuple[int, int, int, int]) -> None:
    picture = to_rgb(np.zeros((6, 8), np.uint8))
    draw_box(picture, *box)
    assert picture.shape == (6, 8, 3)
    assert picture.any()


def test_an_outline_lies_inside_the_mask() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    picture = to_rgb(np.zeros((20, 20), np.uint8))
    draw_outline(picture, mask)
    drawn = picture.any(axis=2)
    assert not (drawn & (mask == 0)).any()
    assert tuple(picture[5, 9]) == TRUTH
    assert not drawn[9, 9]


def test_an_outline_shows_where_the_mask_meets_the_border() -> None:
    picture = to_rgb(np.zeros((12, 12), np.uint8))
    draw_outline(picture, np.ones((12, 12), np.uint8))
    assert picture[0].any()
    assert not picture[6, 6].any()
