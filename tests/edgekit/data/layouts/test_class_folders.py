"""A folder per class, and what must not be taken for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import open_dataset
from edgekit.data.layouts.class_folders import ClassFolders, find_class_images, is_normal_name
from edgekit.data.views import NormalOrDefective, merge_classes
from edgekit_runtime.errors import DatasetError, FrameError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.building import (
    SIZE,
    tint,
    write_class_folders,
    write_class_folders_in_parts,
    write_mvtec_category,
)
from tests.edgekit.image_folders import load, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "tiles")


class TestClassFolders(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: ClassFolders(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "crack" / "00.png", np.zeros(SIZE, np.uint8))
            return open_again

        return change


def test_folders_are_classes(root: Path) -> None:
    dataset = ClassFolders(root)
    assert (dataset.name, dataset.classes) == ("classes:tiles", ())
    assert dataset.labels == ("Good", "crack", "stain")
    assert dataset.normal_label == "Good"
    assert len(dataset) == 15
    for item in dataset.items:
        folder = item.name.split("/")[0]
        assert dataset.labels[item.label or 0] == item.stratum == folder
        assert item.defective == (folder != "Good")


def test_samples_have_a_kind_and_no_mask(root: Path) -> None:
    dataset = ClassFolders(root)
    kinds = {dataset.items[index].stratum: dataset.load(index).kinds for index in range(len(dataset))}
    assert kinds == {"Good": (), "crack": ("crack",), "stain": ("stain",)}
    assert dataset.load(0).mask is None


def test_colour_stays_colour(root: Path) -> None:
    save(root / "crack" / "00.png", tint(load(root / "crack" / "00.png")))
    dataset = ClassFolders(root)
    shapes = {dataset.items[index].name: dataset.load(index).image.shape for index in range(len(dataset))}
    assert shapes["crack/00"] == (*SIZE, 3)
    assert shapes["crack/01"] == SIZE


def test_a_given_split_lives_on_in_the_names(tmp_path: Path) -> None:
    dataset = ClassFolders(write_class_folders_in_parts(tmp_path))
    assert len(dataset) == 30
    assert dataset.labels == ("Good", "crack", "stain")
    assert {item.name.split("/")[0] for item in dataset.items} == {"train", "test"}
    assert {item.stratum for item in dataset.items} == set(dataset.labels)


def test_a_class_may_lack_in_one_part_of_a_given_split(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "train")
    write_class_folders(tmp_path / "test", ("Good",))
    assert len(ClassFolders(tmp_path)) == 20


@pytest.mark.parametrize(
    "name", ["normal", "GOOD", "Ok", "free", "no_defect", "NoDefect", "Defect-free", "background"]
)
def test_names_of_the_defect_free_class(tmp_path: Path, name: str) -> None:
    dataset = ClassFolders(write_class_folders(tmp_path, (name, "crack")))
    assert dataset.normal_label == name


@pytest.mark.parametrize("name", ["goods", "not_ok", "abnormal", "free_edge", "okay"])
def test_other_names_are_defects(name: str) -> None:
    assert not is_normal_name(name)


def test_without_a_defect_free_class_every_class_is_a_defect(tmp_path: Path) -> None:
    dataset = ClassFolders(write_class_folders(tmp_path, ("crack", "stain")))
    assert dataset.normal_label is None
    assert all(item.defective for item in dataset.items)


def test_with_two_defect_free_classes_nobody_guesses(tmp_path: Path) -> None:
    dataset = ClassFolders(write_class_folders(tmp_path, ("good", "background", "crack")))
    assert dataset.normal_label is None
    assert all(item.defective is None for item in dataset.items)
    with pytest.raises(DatasetError, match="names no class"):
        NormalOrDefective(dataset)


def test_segmentation_is_refused(root: Path) -> None:
    with pytest.raises(DatasetError, match="no pixel masks"):
        merge_classes(ClassFolders(root))


def test_the_class_is_part_of_the_digest(root: Path) -> None:
    def digest_last() -> str:
        dataset = ClassFolders(root)
        return dataset.digest(len(dataset) - 1)

    before = digest_last()
    assert digest_last() == before
    (root / "stain").rename(root / "stains")
    assert digest_last() != before


def test_an_empty_class_is_refused(root: Path) -> None:
    (root / "hole").mkdir()
    with pytest.raises(DatasetError, match="hole is empty"):
        open_dataset(str(root))


def test_an_empty_part_or_class_of_a_given_split_is_refused(tmp_path: Path) -> None:
    write_class_folders_in_parts(tmp_path)
    (tmp_path / "val").mkdir()
    with pytest.raises(DatasetError, match="val is empty"):
        open_dataset(str(tmp_path))
    (tmp_path / "val" / "crack").mkdir()
    with pytest.raises(DatasetError, match="crack is empty"):
        open_dataset(str(tmp_path))


def test_folders_of_other_files_are_no_class(root: Path) -> None:
    (root / "notes").mkdir()
    (root / "notes" / "protocol.pdf").write_bytes(b"")
    (root / "readme.txt").write_text("three classes")
    (root / ".cache").mkdir()
    assert ClassFolders(root).labels == ("Good", "crack", "stain")


def test_two_images_of_one_name_are_refused(root: Path) -> None:
    save(root / "crack" / "00.bmp", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        ClassFolders(root)


def test_a_broken_image_is_named(root: Path) -> None:
    (root / "Good" / "00.png").write_bytes(b"hello")
    with pytest.raises(FrameError, match=r"Good.00\.png"):
        ClassFolders(root).load(0)


def spoil_with_an_image_beside(root: Path) -> None:
    save(root / "stray.png", np.zeros(SIZE, np.uint8))


def spoil_with_a_folder_within(root: Path) -> None:
    (root / "crack" / "Label").mkdir()


def spoil_with_a_part_beside(root: Path) -> None:
    write_class_folders(root / "train")


def spoil_with_a_mask(root: Path) -> None:
    save(root / "crack" / "00_mask.png", np.zeros(SIZE, np.uint8))


def spoil_with_an_annotation(root: Path) -> None:
    (root / "crack" / "00.json").write_text("{}")


def spoil_with_a_folder_of_masks(root: Path) -> None:
    (root / "crack").rename(root / "ground_truth")


def spoil_with_a_folder_of_images(root: Path) -> None:
    (root / "crack").rename(root / "JPEGImages")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_an_image_beside,
        spoil_with_a_folder_within,
        spoil_with_a_part_beside,
        spoil_with_a_mask,
        spoil_with_an_annotation,
        spoil_with_a_folder_of_masks,
        spoil_with_a_folder_of_images,
    ],
)
def test_what_speaks_for_another_layout_is_not_taken(root: Path, spoil: Callable[[Path], None]) -> None:
    assert find_class_images(root)
    spoil(root)
    assert find_class_images(root) == []
    with pytest.raises(DatasetError, match="a class each, and nothing else"):
        ClassFolders(root)


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    assert find_class_images(write_class_folders(tmp_path, ("good",))) == []


def test_parts_of_images_are_no_classes(tmp_path: Path) -> None:
    assert find_class_images(write_class_folders(tmp_path, ("train", "test"))) == []


def test_mvtec_without_masks_has_classes_only(tmp_path: Path) -> None:
    write_mvtec_category(tmp_path, ("hole",))
    for path in (tmp_path / "ground_truth" / "hole").iterdir():
        path.unlink()
    (tmp_path / "ground_truth" / "hole").rmdir()
    (tmp_path / "ground_truth").rmdir()
    dataset = open_dataset(str(tmp_path))
    assert (dataset.layout, dataset.labels, dataset.normal_label) == (
        "a folder per class",
        ("good", "hole"),
        "good",
    )
