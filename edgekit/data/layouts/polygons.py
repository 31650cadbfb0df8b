"""From outlines to pixels, by one rule: a pixel belongs to a region when its centre lies inside.

Coordinates are in pixels, x to the right and y down; the pixel in row r and column c covers [c, c+1) × [r, r+1), so
that its centre is (c + 0.5, r + 0.5). "Inside" is even-odd: a ray from the centre to the left crosses the outline
an odd number of times. A centre on a left or upper edge is inside and one on a right or lower edge is not, so that
polygons which share an edge neither overlap nor leave a gap, and a box from 2 to 5 covers three pixels.

Others differ: Pillow's `ImageDraw.polygon` draws the outline too, which adds up to a pixel all around, and the COCO API
rasterises the outline at five times the size, which is this rule up to pixels that the outline passes through. On 361
outlines of NEU-Seg's masks the two cover the same area to 0.03 % and differ in 1.1 % of the pixels. Outlines that run
through the centres of the outermost pixels (OpenCV's `findContours`) lose half a pixel all around by either rule: 6 %
of the area there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Mask
from edgekit_runtime.errors import DatasetError

Points = npt.NDArray[np.float64]
"""Corners of a polygon, float64 (N, 2), each (x, y)."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge."""

FEWEST_POINTS = 3
EDGES_AT_ONCE = 1024
"""Bounds the memory that an outline of many long edges takes."""

LARGEST_COORDINATE = 1e9
"""No image is that large; beyond, differences of coordinates lose the pixels."""


def parse_points(pairs: Sequence[Sequence[Any]], where: str) -> Points:
    """Return points as an array.

    Args:
        pairs: Points (x, y) as they came from a file.
        where: File and place for messages.

    Raises:
        DatasetError: If one is no pair of finite numbers.
    """
    for pair in pairs:
        numbers = pair if isinstance(pair, list | tuple) else ()
        if len(numbers) != 2 or not all(_is_coordinate(number) for number in numbers):
            raise DatasetError(
                f"{where}: a point must be two finite numbers, got {str(pair)[:60]}.",
                remedy="Draw the region again, or take it out.",
            )
    return np.asarray(pairs, np.float64).reshape(-1, 2)


def parse_polygon(pairs: Sequence[Sequence[Any]], where: str) -> Points:
    """Return the corners of a polygon as an array.

    Raises:
        DatasetError: If there are fewer than three, or one is no pair of finite numbers.
    """
    points = parse_points(pairs, where)
    if len(points) < FEWEST_POINTS:
        raise DatasetError(
            f"{where}: a polygon has {FEWEST_POINTS} points or more, got {len(points)}.",
            remedy="Draw the region again, or take it out.",
        )
    return points


def fill_polygon(mask: Mask, points: Points, value: int) -> None:
    """Set the pixels of a mask whose centre lies inside a polygon; what lies outside the image is cut off.

    Args:
        mask: uint8 (H, W), changed in place.
        points: Corners, float64 (N, 2); the last is joined to the first.
        value: What the pixels become.
    """
    left, top = _first_centres(points.min(axis=0), mask)
    right, bottom = _first_centres(points.max(axis=0), mask)
    if left < right and top < bottom:
        mask[top:bottom, left:right][_find_inside(points, (left, top, right, bottom))] = value


def fill_box(mask: Mask, box: Box, value: int) -> None:
    """Set the pixels of a mask whose centre lies in a box (left, top, right, bottom), in place."""
    left, top, right, bottom = box
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
    fill_polygon(mask, corners, value)


def fill_circle(mask: Mask, centre: tuple[float, float], radius: float, value: int) -> None:
    """Set the pixels of a mask whose centre lies in a circle around `centre` (x, y), in place."""
    height, width = mask.shape
    rows = (np.arange(height) + 0.5 - centre[1]) ** 2
    columns = (np.arange(width) + 0.5 - centre[0]) ** 2
    mask[rows[:, None] + columns[None, :] < radius**2] = value


def _first_centres(corner: Points, mask: Mask) -> tuple[int, int]:
    """Return the first column and row whose centre is not left of or above a corner, within the mask."""
    height, width = mask.shape
    x, y = np.clip(np.ceil(corner - 0.5), 0, (width, height))
    return int(x), int(y)


def _find_inside(points: Points, window: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    """Return which pixels of a window (left, top, right, bottom) have their centre inside, bool (rows, columns).

    Each edge toggles, in every row whose centre line it crosses, the pixels from the crossing on. An edge is always
    followed downwards, whichever way the outline runs, and its coordinates stay those of the image: two polygons
    that share one get the same crossings.
    """
    left, top, right, bottom = window
    ends = np.roll(points, -1, axis=0)
    is_upward = (ends[:, 1] < points[:, 1])[:, None]
    upper, lower = np.where(is_upward, ends, points), np.where(is_upward, points, ends)
    # The rows whose centre line y = row + 0.5 has upper <= y < lower.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), top, bottom).astype(np.int64)
    toggles = np.zeros((bottom - top, right - left + 1), np.bool_)
    edges = np.flatnonzero(first < last)
    for start in range(0, len(edges), EDGES_AT_ONCE):
        block = edges[start : start + EDGES_AT_ONCE]
        spans = last[block] - first[block]
        edge = np.repeat(block, spans)
        rows = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(spans) - spans, spans)
        (x, y), (x_end, y_end) = upper[edge].T, lower[edge].T
        # Multiplied before divided: a crossing that is a half is then found exactly.
        crossings = x + (rows + 0.5 - y) * (x_end - x) / (y_end - y)
        columns = np.clip(np.ceil(crossings - 0.5), left, right).astype(np.int64)
        np.logical_xor.at(toggles, (rows - top, columns - left), True)
    inside: npt.NDArray[np.bool_] = np.logical_xor.accumulate(toggles[:, :-1], axis=1)
    return inside


def _is_coordinate(number: Any) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return math.isfinite(number) and abs(number) <= LARGEST_COORDINATE
