"""Files indexed by name, matched with their masks, and read as 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from edgekit.data.layouts.mask_files import (
    index_by_stem,
    list_folders,
    list_image_files,
    read_defect_mask,
    require_pairs,
)
from edgekit_runtime.errors import DatasetError, MaskError
from tests.edgekit.image_folders import save

SIZE = (6, 9)


@pytest.fixture(scope="module")
def mask_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a mask is written."""
    return tmp_path_factory.mktemp("masks") / "mask.png"


def test_hidden_and_other_files_are_not_listed(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.bmp", ".c.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".git").mkdir()
    assert [path.name for path in list_image_files(tmp_path)] == ["a.bmp", "b.PNG"]
    assert [path.name for path in list_folders(tmp_path)] == ["folder"]
    assert list_image_files(tmp_path / "nowhere") == list_folders(tmp_path / "nowhere") == []


def test_an_ending_is_cut_once() -> None:
    found = index_by_stem([Path("a_mask_mask.png"), Path("b_mask.png"), Path("c.png")], ending="_mask")
    assert list(found) == ["a_mask", "b", "c"]


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"a\.bmp and a\.png in .* share a name"):
        index_by_stem([Path("x/a.png"), Path("x/a.bmp")])


def test_an_image_without_a_mask_and_a_mask_without_an_image_are_refused() -> None:
    pair, image, mask = {"a": Path("a.png")}, {"b": Path("b.png")}, {"c": Path("c.png")}
    require_pairs(pair, pair, mask_name="{stem}_gt.png")
    with pytest.raises(DatasetError, match=r"1 of 2 images have no mask, such as b\.png") as caught:
        require_pairs(pair | image, pair, mask_name="{stem}_gt.png")
    assert "b_gt.png" in caught.value.remedy
    with pytest.raises(DatasetError, match=r"1 of 2 masks have no image, such as c\.png"):
        require_pairs(pair, pair | mask, mask_name="{stem}_gt.png")


def test_braces_in_a_folder_are_no_place_for_the_name() -> None:
    with pytest.raises(DatasetError) as caught:
        require_pairs({"b": Path("b.png")}, {}, mask_name="/data/{line 3}/{stem}.png")
    assert "Add /data/{line 3}/b.png," in caught.value.remedy


@given(pixels=arrays(np.uint8, SIZE, elements=st.sampled_from([0, 1, 7, 127, 128, 255])))
def test_every_value_above_0_marks_a_defect(mask_file: Path, pixels: np.ndarray) -> None:
    save(mask_file, pixels)
    found = read_defect_mask(mask_file, SIZE)
    assert found.dtype == np.uint8
    assert np.array_equal(found, (pixels != 0).astype(np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_black_and_white_is_read_however_it_is_stored(tmp_path: Path, mode: str, suffix: str) -> None:
    truth = np.zeros(SIZE, np.uint8)
    truth[2:4, 3:5] = 255
    image = Image.fromarray(truth // 255 if mode == "P" else truth)
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    else:
        image = image.convert(mode)
    image.save(tmp_path / f"mask{suffix}")
    found = read_defect_mask(tmp_path / f"mask{suffix}", SIZE)
    assert np.array_equal(found, truth // 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16"])
def test_masks_that_would_lose_something_are_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, SIZE[::-1]).save(tmp_path / "mask.png")
    with pytest.raises(MaskError, match=r"The mask .*mask\.png"):
        read_defect_mask(tmp_path / "mask.png", SIZE)


def test_a_mask_in_colour_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "mask.png", np.full((*SIZE, 3), (255, 0, 0), np.uint8))
    with pytest.raises(MaskError, match="an RGB image; expected one 8-bit channel"):
        read_defect_mask(tmp_path / "mask.png", SIZE)


def test_an_unreadable_or_missing_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"hello")
    with pytest.raises(MaskError, match=r"mask\.png is no image"):
        read_defect_mask(tmp_path / "mask.png", SIZE)
    with pytest.raises(MaskError, match=r"no file .*lost\.png"):
        read_defect_mask(tmp_path / "lost.png", SIZE)


def test_a_mask_of_another_size_is_refused(mask_file: Path) -> None:
    save(mask_file, np.zeros(SIZE[::-1], np.uint8))
    with pytest.raises(MaskError, match=r"is \(9, 6\), its image \(6, 9\)"):
        read_defect_mask(mask_file, SIZE)


def test_unknown_values_are_refused_where_the_values_are_known(mask_file: Path) -> None:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[0, :4] = (0, 1, 128, 255)
    save(mask_file, pixels)
    with pytest.raises(
        MaskError, match="holds the value 128; expected 0 for background and 1 or 255 for defect"
    ):
        read_defect_mask(mask_file, SIZE, defect_values=(255, 1))
    pixels[0, 2] = 255
    save(mask_file, pixels)
    assert read_defect_mask(mask_file, SIZE, defect_values=(1, 255)).sum() == 3
