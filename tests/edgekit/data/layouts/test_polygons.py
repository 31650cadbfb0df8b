"""Which pixels belong to a polygon: against exact arithmetic, against neighbours, and against the COCO API."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from edgekit.data.layouts.polygons import fill_box, fill_circle, fill_polygon, parse_polygon
from edgekit.data.layouts.run_lengths import decode_counts, decompress_counts
from edgekit_runtime.errors import DatasetError

HEIGHT, WIDTH = 11, 13

quarters = st.integers(-20, 70).map(lambda number: number / 4)
"""Coordinates on quarters of pixels, in and around the image: many lie on centres and corners of pixels."""
polygons = st.lists(st.tuples(quarters, quarters), min_size=3, max_size=8)


def draw(points: list[tuple[float, float]], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    fill_polygon(mask, np.array(points, np.float64), 1)
    return mask.astype(bool)


def is_inside(points: list[tuple[float, float]], row: int, column: int) -> bool:
    """Tell exactly whether a ray from the centre of a pixel to the left crosses the outline an odd number of times."""
    x, y = Fraction(2 * column + 1, 2), Fraction(2 * row + 1, 2)
    exact = [(Fraction(px), Fraction(py)) for px, py in points]
    crossings = 0
    for (x0, y0), (x1, y1) in zip(exact, exact[1:] + exact[:1], strict=True):
        if (y0 <= y) != (y1 <= y):
            crossings += x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x
    return crossings % 2 == 1


@settings(deadline=None)
@given(polygons)
def test_pixels_are_those_whose_centre_is_inside(points: list[tuple[float, float]]) -> None:
    expected = [[is_inside(points, row, column) for column in range(WIDTH)] for row in range(HEIGHT)]
    assert np.array_equal(draw(points), np.array(expected))


@settings(deadline=None)
@given(polygons, st.integers(0, 7))
def test_neither_direction_nor_start_matters(points: list[tuple[float, float]], start: int) -> None:
    turned = points[start:] + points[:start]
    assert np.array_equal(draw(turned), draw(points))
    assert np.array_equal(draw(points[::-1]), draw(points))


coordinates = st.floats(0, 1, exclude_min=True, exclude_max=True)


@settings(deadline=None)
@given(coordinates, coordinates)
def test_triangles_that_share_edges_cover_a_box_once(x: float, y: float) -> None:
    corners = [(0.0, 0.0), (WIDTH, 0.0), (WIDTH, HEIGHT), (0.0, HEIGHT)]
    middle = (x * WIDTH, y * HEIGHT)
    triangles = [
        draw([first, second, middle]).astype(int)
        for first, second in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    assert (sum(triangles) == 1).all()


def test_a_box_from_2_to_5_covers_three_pixels() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    fill_box(mask, (2, 3, 5, 4), 7)
    assert np.argwhere(mask == 7).tolist() == [[3, 2], [3, 3], [3, 4]]
    assert set(np.unique(mask)) == {0, 7}


def test_even_odd_leaves_the_middle_of_a_star_empty() -> None:
    star = [(10 + 10 * np.sin(0.8 * np.pi * n), 10 - 10 * np.cos(0.8 * np.pi * n)) for n in range(5)]
    mask = draw(star, 20, 20)
    assert not mask[10, 10]
    assert mask[3, 9:11].all()


def test_what_lies_outside_is_cut_off() -> None:
    assert draw([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]).all()
    assert not draw([(-9, -9), (-1, -9), (-1, 99), (-9, 99)]).any()
    assert draw([(6, -9), (99, -9), (99, 99), (6, 99)]).sum() == (WIDTH - 6) * HEIGHT


@settings(deadline=None)
@given(quarters, quarters, st.integers(0, 40).map(lambda number: number / 4))
def test_circles_hold_the_centres_within_the_radius(x: float, y: float, radius: float) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    fill_circle(mask, (x, y), radius, 1)
    for row, column in np.ndindex(mask.shape):
        distance = Fraction(x - column - 0.5) ** 2 + Fraction(y - row - 0.5) ** 2
        assert mask[row, column] == (distance < Fraction(radius) ** 2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 30)), min_size=3, max_size=8))
def test_the_coco_api_differs_at_the_outline_only(points: list[tuple[float, float]]) -> None:
    """Its rule is another one at the outline; a pixel from the outline on, both must agree.

    Its outline is followed in steps of a fifth of a pixel, so "at the outline" is a pixel that the outline passes
    through, or one beside it.
    """
    api = pytest.importorskip("faster_coco_eval.core.mask")
    (theirs,) = api.frPyObjects([[number for point in points for number in point]], 30, 40)
    text = theirs["counts"].decode() if isinstance(theirs["counts"], bytes) else theirs["counts"]
    differs = decode_counts(decompress_counts(text), 30, 40) ^ draw(points, 30, 40)
    outline = np.zeros((30, 40), np.bool_)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        for share in np.linspace(0, 1, 200):
            x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            outline[min(int(y), 29), min(int(x), 39)] = True
    assert not (differs & ~ndimage.binary_dilation(outline, np.ones((3, 3)))).any()


@pytest.mark.parametrize(
    "pairs",
    [
        [[0, 0], [1, 1]],
        [[0, 0], [1, 1], [2, float("nan")]],
        [[0, 0], [1, 1], [2, float("inf")]],
        [[0, 0], [1, 1], [2, 1e10]],
        [[0, 0], [1, 1], [2]],
        [[0, 0], [1, 1], [2, 3, 4]],
        [[0, 0], [1, 1], ["2", 3]],
        [[0, 0], [1, 1], [True, 3]],
        [[0, 0], [1, 1], None],
        [0, 1, 2],
    ],
    ids=str,
)
def test_what_is_no_polygon_is_refused_with_its_place(pairs: list) -> None:
    with pytest.raises(DatasetError, match=r"^a\.json, shapes\[3\]: "):
        parse_polygon(pairs, "a.json, shapes[3]")
