"""KolektorSDD and KolektorSDD2 as their archives look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import split_dataset
from edgekit.data.layouts.kolektor import KolektorSdd, KolektorSdd2, find_kolektor2_parts, find_kolektor_items
from edgekit.data.views import label_images
from edgekit_runtime.errors import DatasetError, FrameError, MaskError
from tests.conformance.dataset_conformance import FRACTIONS, DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.building import SIZE, write_kolektor, write_kolektor2
from tests.edgekit.image_folders import load, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_kolektor(tmp_path / "KolektorSDD")


@pytest.fixture
def root2(tmp_path: Path) -> Path:
    return write_kolektor2(tmp_path / "KolektorSDD2")


class TestKolektorSdd(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: KolektorSdd(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "kos01" / "Part0_label.bmp", np.zeros(SIZE, np.uint8))
            return open_again

        return change


class TestKolektorSdd2(DatasetConformance):
    @pytest.fixture
    def open_again(self, root2: Path) -> OpenDataset:
        return lambda: KolektorSdd2(root2)

    @pytest.fixture
    def change_content(self, root2: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root2 / "test" / "20001_GT.png", np.full(SIZE, 255, np.uint8))
            return open_again

        return change


def test_one_defective_surface_makes_the_item_defective(root: Path) -> None:
    dataset = KolektorSdd(root)
    assert len(dataset) == 18
    by_name = {item.name: item for item in dataset.items}
    assert (by_name["kos01/Part0"].defective, by_name["kos01/Part1"].defective) == (True, False)
    assert {item.stratum for item in dataset.items if item.group == "kos01"} == {"defective"}
    assert {item.stratum for item in dataset.items if item.group == "kos06"} == {"normal"}


def test_the_surfaces_of_an_item_never_part(root: Path) -> None:
    dataset = KolektorSdd(root)
    for seed in range(5):
        parts = split_dataset(dataset, seed=seed, fractions=FRACTIONS).names(dataset).values()
        folders = [{name.split("/")[0] for name in names} for names in parts]
        assert sum(map(len, folders)) == len(set.union(*folders)) == 6


def test_what_an_image_shows_is_what_its_mask_says(root: Path) -> None:
    dataset = KolektorSdd(root)
    for index, item in enumerate(dataset.items):
        expected = load(root / f"{item.name}_label.bmp") > 0
        assert np.array_equal(dataset.load(index).known_mask > 0, expected)
        assert item.defective == bool(expected.any())
        assert dataset.mask_file(index) == root / f"{item.name}_label.bmp"


def test_any_value_above_0_is_a_defect(root: Path) -> None:
    faint = np.zeros(SIZE, np.uint8)
    faint[2, 3] = 1
    save(root / "kos06" / "Part0_label.bmp", faint)
    dataset = KolektorSdd(root)
    index = [item.name for item in dataset.items].index("kos06/Part0")
    assert dataset.items[index].defective
    assert np.array_equal(dataset.load(index).known_mask, faint)


def test_a_classifier_can_be_trained_on_it(root2: Path) -> None:
    labelled = label_images(KolektorSdd2(root2))
    assert {item.label for item in labelled.items} == {0, 1}


def test_kolektor2_is_in_colour_and_kolektor_is_not(root: Path, root2: Path) -> None:
    sample = KolektorSdd2(root2).load(0)
    assert (sample.name, sample.image.shape) == ("train/10000", (*SIZE, 3))
    assert KolektorSdd(root).load(0).image.shape == SIZE
    save(root / "kos01" / "Part0.jpg", np.full((*SIZE, 3), (200, 10, 10), np.uint8))
    with pytest.raises(FrameError, match="in colour"):
        KolektorSdd(root).load(0)


def test_a_part_alone_is_enough(root2: Path) -> None:
    for path in (root2 / "test").iterdir():
        path.unlink()
    (root2 / "test").rmdir()
    assert len(KolektorSdd2(root2)) == 8


@pytest.mark.parametrize("name", ["Part1_label.bmp", "Part1.jpg"])
def test_an_image_or_a_mask_alone_is_refused(root: Path, name: str) -> None:
    (root / "kos02" / name).unlink()
    lost = "images have no mask" if "label" in name else "masks have no image"
    with pytest.raises(DatasetError, match=f"1 of [23] {lost}, such as .*kos02"):
        KolektorSdd(root)


def test_the_remedy_names_the_missing_mask(root2: Path) -> None:
    (root2 / "train" / "10003_GT.png").unlink()
    with pytest.raises(DatasetError) as caught:
        KolektorSdd2(root2)
    assert "10003_GT.png" in caught.value.remedy


def test_two_images_of_one_name_are_refused(root: Path) -> None:
    save(root / "kos02" / "Part1.png", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        KolektorSdd(root)


def test_an_empty_item_is_refused(root: Path) -> None:
    (root / "kos07").mkdir()
    with pytest.raises(DatasetError, match="kos07 holds no images"):
        KolektorSdd(root)


def test_a_broken_mask_is_named_when_it_is_loaded_and_stops_nothing_else(root: Path) -> None:
    for name in ("kos01/Part2_label.bmp", "kos06/Part1_label.bmp"):
        (root / name).write_bytes(b"BM")
    dataset = KolektorSdd(root)
    by_name = {item.name: (index, item) for index, item in enumerate(dataset.items)}
    index, broken = by_name["kos06/Part1"]
    assert (broken.defective, broken.stratum) == (None, "unreadable")
    assert by_name["kos06/Part0"][1].stratum == "unreadable"
    assert by_name["kos01/Part2"][1].stratum == "defective"
    with pytest.raises(MaskError, match=r"kos06.Part1_label\.bmp"):
        dataset.load(index)


def test_a_mask_of_another_size_is_refused(root: Path) -> None:
    save(root / "kos01" / "Part0_label.bmp", np.zeros((5, 5), np.uint8))
    with pytest.raises(MaskError, match=r"Part0_label\.bmp is \(5, 5\), its image \(24, 40\)"):
        KolektorSdd(root).load(0)


def test_a_mask_that_changes_is_looked_at_again(root: Path) -> None:
    assert KolektorSdd(root).items[0].defective
    (root / "kos01" / "Part0_label.bmp").unlink()
    # Of another size, because a file system's clock may not tick in between.
    save(root / "kos01" / "Part0_label.bmp", np.zeros((SIZE[0], SIZE[1] + 4), np.uint8))
    assert not KolektorSdd(root).items[0].defective


def test_folders_without_labels_are_not_taken(tmp_path: Path) -> None:
    for name in ("kos01", "train"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "Part0.jpg", np.zeros(SIZE, np.uint8))
    assert find_kolektor_items(tmp_path) == find_kolektor2_parts(tmp_path) == []
    with pytest.raises(DatasetError, match="holds no KolektorSDD items"):
        KolektorSdd(tmp_path)
    with pytest.raises(DatasetError, match="holds no KolektorSDD2 images"):
        KolektorSdd2(tmp_path)
