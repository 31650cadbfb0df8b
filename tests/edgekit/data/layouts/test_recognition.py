"""Every layout takes the folders written in it, and none takes those of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.opening import LAYOUTS
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import DepthError
from tests.edgekit.data.layouts.building import BUILDERS

GENERAL = ("images/ and masks/",)
"""Layouts that take half of themselves, to say which half is missing; tried after those that they would shadow."""


@pytest.fixture(params=list(BUILDERS))
def built(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """The title of a layout, and a folder in it."""
    title, build = BUILDERS[request.param]
    root = tmp_path / "data"
    build(root)
    return title, root


def test_every_layout_is_built() -> None:
    assert {title for title, _ in BUILDERS.values()} == {layout.title for layout in LAYOUTS}


def test_a_folder_is_taken_by_its_own_layout(built: tuple[str, Path]) -> None:
    title, root = built
    dataset = open_dataset(str(root))
    assert dataset.layout == title
    assert len(dataset) > 0


def test_every_layout_reads_its_images_at_the_stated_depth(built: tuple[str, Path]) -> None:
    _, root = built
    pixels = PixelFormat(bits=12, scale=4095.0)
    dataset = open_dataset(str(root), OpenOptions(pixels=pixels))
    assert dataset.pixels == pixels
    assert open_dataset(str(root)).load(0).image.dtype == np.uint8
    with pytest.raises(DepthError, match="8-bit image; expected 12-bit"):
        dataset.load(0)


def test_no_other_layout_recognises_it(built: tuple[str, Path]) -> None:
    title, root = built
    found = [layout.title for layout in LAYOUTS if layout.recognise(root)]
    assert [other for other in found if other == title or other not in GENERAL] == [title]


def test_the_folder_above_is_taken_by_no_other(built: tuple[str, Path]) -> None:
    title, root = built
    assert {layout.title for layout in LAYOUTS if layout.recognise(root.parent)} <= {title}


def test_an_empty_folder_is_taken_by_none(tmp_path: Path) -> None:
    assert not any(layout.recognise(tmp_path) for layout in LAYOUTS)
