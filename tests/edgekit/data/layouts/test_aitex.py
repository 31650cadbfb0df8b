"""AITEX as its three archives unpack, with everything that is odd in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.checking.facts import measure_image
from edgekit.data.layouts.aitex import KINDS, UNMARKED, Aitex
from edgekit_runtime.errors import DatasetError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.building import SIZE, write_aitex
from tests.edgekit.image_folders import load, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_aitex(tmp_path / "AITEX")


def find(dataset: Aitex, stem: str) -> int:
    """Return the index of an image."""
    return [item.name.split("/")[-1] for item in dataset.items].index(stem)


class TestAitex(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: Aitex(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "Mask_images" / "0044_019_04_mask2.png", np.zeros(SIZE, np.uint8))
            return open_again

        return change


def test_names_say_fabric_and_defect(root: Path) -> None:
    dataset = Aitex(root)
    index = find(dataset, "0012_006_00")
    assert dataset.items[index].name == "Defect_images/0012_006_00"
    assert (dataset.items[index].stratum, dataset.items[index].defective) == ("00/defective", True)
    assert dataset.load(index).kinds == ("broken yarn",)
    normal = dataset.items[find(dataset, "0002_000_01")]
    assert normal.name == "NODefect_images/2608691-202020u/0002_000_01"
    assert (normal.stratum, normal.defective) == ("01/normal", False)
    assert {item.stratum for item in dataset.items} == {
        "00/defective",
        "04/defective",
        "00/normal",
        "01/normal",
    }


def test_every_defect_of_the_paper_has_a_name() -> None:
    assert len(set(KINDS.values())) == len(KINDS) == 12
    assert KINDS["019"] == "fuzzy ball"


def test_a_code_without_a_name_stays_a_code(root: Path) -> None:
    (root / "Defect_images" / "0045_019_04.png").rename(root / "Defect_images" / "0045_041_04.png")
    (root / "Mask_images" / "0045_019_04_mask.png").rename(root / "Mask_images" / "0045_041_04_mask.png")
    dataset = Aitex(root)
    assert dataset.load(find(dataset, "0045_041_04")).kinds == ("defect 041",)


def test_two_masks_count_together(root: Path) -> None:
    dataset = Aitex(root)
    first, second = (load(root / "Mask_images" / f"0044_019_04_mask{number}.png") > 0 for number in (1, 2))
    assert first.any()
    assert second.any()
    assert not (first & second).any()
    found = dataset.load(find(dataset, "0044_019_04")).known_mask
    assert np.array_equal(found, (first | second).astype(np.uint8))


def test_images_that_no_mask_marks_are_left_out_and_named(root: Path) -> None:
    dataset = Aitex(root)
    assert dataset.left_out == tuple(f"Defect_images/{stem}" for stem in UNMARKED)
    assert not any(item.name in dataset.left_out for item in dataset.items)
    assert all(
        dataset.load(index).known_mask.any() == item.defective for index, item in enumerate(dataset.items)
    )


@pytest.mark.parametrize("stem", UNMARKED)
def test_one_that_somebody_has_marked_is_taken(root: Path, stem: str) -> None:
    save(root / "Mask_images" / f"{stem}_mask.png", np.full(SIZE, 255, np.uint8))
    dataset = Aitex(root)
    assert len(dataset.left_out) == 1
    assert dataset.load(find(dataset, stem)).known_mask.all()


def test_a_defect_free_image_with_a_short_code_is_taken(root: Path) -> None:
    dataset = Aitex(root)
    item = dataset.items[find(dataset, "0018_00_01")]
    assert (item.stratum, item.defective) == ("01/normal", False)


def test_one_name_in_two_fabrics_is_two_images(root: Path) -> None:
    normal = root / "NODefect_images"
    shutil.copy(normal / "2608691-202020u" / "0001_000_01.png", normal / "2311694-2040n7u")
    assert len(Aitex(root)) == 21


def test_defect_free_images_need_no_folder_per_fabric(root: Path) -> None:
    normal = root / "NODefect_images"
    (normal / "2608691-202020u" / "0001_000_01.png").rename(normal / "0001_000_01.png")
    dataset = Aitex(root)
    assert dataset.items[find(dataset, "0001_000_01")].name == "NODefect_images/0001_000_01"


def test_another_image_without_a_mask_is_refused(root: Path) -> None:
    (root / "Mask_images" / "0001_002_00_mask.png").unlink()
    with pytest.raises(
        DatasetError, match=r"1 of 10 images have no mask, such as .*0001_002_00\.png"
    ) as caught:
        Aitex(root)
    assert "Mask_images/0001_002_00_mask.png" in caught.value.remedy


def test_a_mask_without_an_image_is_refused(root: Path) -> None:
    (root / "Defect_images" / "0001_002_00.png").unlink()
    with pytest.raises(DatasetError, match="1 of 10 masks have no image"):
        Aitex(root)


@pytest.mark.parametrize("name", ["Defect_images", "Mask_images", "NODefect_images"])
def test_a_missing_or_empty_folder_is_refused(root: Path, name: str) -> None:
    shutil.rmtree(root / name)
    with pytest.raises(DatasetError, match=f"{name} holds no images") as caught:
        Aitex(root)
    assert "three archives" in caught.value.remedy
    (root / name).mkdir()
    with pytest.raises(DatasetError, match=f"{name} holds no images"):
        Aitex(root)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("Defect_images", "plate.png"),
        ("NODefect_images", "0001_002_00.png"),
        ("Mask_images", "0001_002_00.png"),
    ],
)
def test_a_name_of_another_form_is_refused(root: Path, place: str, name: str) -> None:
    save(root / place / name, np.zeros(SIZE, np.uint8))
    if name == "plate.png":
        save(root / "Mask_images" / "plate_mask.png", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match=rf"{place}.{name} is not called as"):
        Aitex(root)


def test_two_images_of_one_name_are_refused(root: Path) -> None:
    save(root / "Defect_images" / "0001_002_00.bmp", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        Aitex(root)


def test_a_mask_of_another_size_is_refused(root: Path) -> None:
    save(root / "Mask_images" / "0044_019_04_mask2.png", np.zeros((5, 5), np.uint8))
    dataset = Aitex(root)
    with pytest.raises(MaskError, match=r"mask2\.png is \(5, 5\), its image \(24, 40\)"):
        dataset.load(find(dataset, "0044_019_04"))


def test_mask_files_can_be_looked_at(root: Path) -> None:
    dataset = Aitex(root)
    assert dataset.mask_file(find(dataset, "0012_006_00")) == root / "Mask_images" / "0012_006_00_mask.png"
    assert dataset.mask_file(find(dataset, "0001_000_00")) is None


def test_no_file_is_said_to_hold_a_mask_that_is_the_union_of_two(root: Path) -> None:
    # Its levels would be compared with the union: what the second file marks would look like grey levels.
    dataset = Aitex(root)
    index = find(dataset, "0044_019_04")
    assert dataset.mask_file(index) is None
    assert measure_image(dataset, index).mask_levels is None
