"""MVTec AD's layout: one category or several, with what goes wrong in one's own folders of this kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import split_dataset
from edgekit.data.layouts.mvtec import MvtecFolders, find_categories
from edgekit.data.views import merge_classes
from edgekit_runtime.errors import DatasetError, MaskError
from tests.conformance.dataset_conformance import FRACTIONS, DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.building import SIZE, write_mvtec, write_mvtec_category
from tests.edgekit.image_folders import load, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_mvtec(tmp_path / "mvtec_anomaly_detection")


@pytest.fixture
def bottle(root: Path) -> Path:
    """The folder of one category."""
    return root / "bottle"


class TestMvtecFolders(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: MvtecFolders(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "carpet" / "ground_truth" / "hole" / "000_mask.png", np.full(SIZE, 255, np.uint8))
            return open_again

        return change


def find(dataset: MvtecFolders, name: str) -> int:
    """Return the index of an image."""
    return [item.name for item in dataset.items].index(name)


def test_kinds_of_one_name_are_one_class(root: Path) -> None:
    dataset = MvtecFolders(root)
    assert dataset.classes == ("background", "broken_large", "contamination", "hole")
    assert dataset.labels == ("good", "broken_large", "contamination", "hole")
    assert dataset.normal_label == "good"
    assert len(dataset) == 32
    for category in ("bottle", "carpet"):
        index = find(dataset, f"{category}/test/contamination/001")
        item, sample = dataset.items[index], dataset.load(index)
        assert (item.stratum, item.label, item.defective) == (f"{category}/contamination", 2, True)
        expected = 2 * (load(root / category / "ground_truth" / "contamination" / "001_mask.png") > 0)
        assert expected.any()
        assert np.array_equal(sample.known_mask, expected)
        assert sample.kinds == ("contamination",)


def test_good_images_have_an_empty_mask(root: Path) -> None:
    dataset = MvtecFolders(root)
    for name in ("carpet/train/good/000", "carpet/test/good/000"):
        index = find(dataset, name)
        item, sample = dataset.items[index], dataset.load(index)
        assert (item.stratum, item.label, item.defective) == ("carpet/good", 0, False)
        assert sample.image.shape == (*SIZE, 3)
        assert sample.known_mask.shape == SIZE
        assert not sample.known_mask.any()
        assert sample.kinds == ()


def test_a_category_may_be_opened_alone_and_renamed(bottle: Path, tmp_path: Path) -> None:
    dataset = MvtecFolders(bottle)
    assert (dataset.name, len(dataset)) == ("mvtec:bottle", 16)
    assert dataset.items[0].name == "train/good/000"
    before = dataset.fingerprint()
    assert MvtecFolders(bottle.rename(tmp_path / "flasks")).fingerprint() == before


def test_training_gets_defects_that_the_official_split_keeps_for_the_test(root: Path) -> None:
    dataset = MvtecFolders(root)
    trained = split_dataset(dataset, seed=0, fractions=FRACTIONS).parts["train"]
    assert {dataset.items[index].stratum for index in trained} == {item.stratum for item in dataset.items}


def test_segmentation_may_merge_the_kinds(root: Path) -> None:
    dataset = MvtecFolders(root)
    merged = merge_classes(dataset).load(find(dataset, "carpet/test/hole/000"))
    assert set(np.unique(merged.known_mask)) == {0, 1}
    assert merged.kinds == ("hole",)


def test_grey_images_and_masks_without_the_ending_are_taken(bottle: Path) -> None:
    save(bottle / "test" / "good" / "000.png", np.full(SIZE, 7, np.uint8))
    folder = bottle / "ground_truth" / "contamination"
    (folder / "000_mask.png").rename(folder / "000.png")
    dataset = MvtecFolders(bottle)
    assert dataset.load(find(dataset, "test/good/000")).image.shape == SIZE
    index = find(dataset, "test/contamination/000")
    assert dataset.load(index).known_mask.any()
    assert dataset.mask_file(index) == folder / "000.png"


def test_an_image_without_a_mask_is_refused(bottle: Path) -> None:
    (bottle / "ground_truth" / "contamination" / "002_mask.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 4 images have no mask, such as .*002\.png") as caught:
        MvtecFolders(bottle)
    assert "bottle/ground_truth/contamination/002_mask.png" in caught.value.remedy


def test_a_mask_without_an_image_is_refused(bottle: Path) -> None:
    (bottle / "test" / "contamination" / "002.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 4 masks have no image, such as .*002_mask\.png"):
        MvtecFolders(bottle)


def test_a_kind_of_masks_without_images_is_refused(bottle: Path) -> None:
    shutil.rmtree(bottle / "test" / "contamination")
    with pytest.raises(
        DatasetError, match=r"ground_truth.contamination has no images in .*test.contamination"
    ):
        MvtecFolders(bottle)


@pytest.mark.parametrize("value", [2, 128, 254])
def test_a_mask_with_grey_values_is_refused(bottle: Path, value: int) -> None:
    save(bottle / "ground_truth" / "contamination" / "000_mask.png", np.full(SIZE, value, np.uint8))
    dataset = MvtecFolders(bottle)
    with pytest.raises(MaskError, match=f"holds the value {value};"):
        dataset.load(find(dataset, "test/contamination/000"))


def test_a_mask_of_another_size_is_refused(bottle: Path) -> None:
    save(bottle / "ground_truth" / "contamination" / "000_mask.png", np.zeros((5, 5), np.uint8))
    dataset = MvtecFolders(bottle)
    with pytest.raises(MaskError, match=r"is \(5, 5\), its image \(24, 40\)"):
        dataset.load(find(dataset, "test/contamination/000"))


def test_masks_of_good_images_must_be_black_and_complete(bottle: Path) -> None:
    folder = bottle / "ground_truth" / "good"
    folder.mkdir()
    for index in range(4):
        save(folder / f"{index:03}_mask.png", np.zeros(SIZE, np.uint8))
    dataset = MvtecFolders(bottle)
    good = find(dataset, "test/good/000")
    assert not dataset.load(good).known_mask.any()
    save(folder / "000_mask.png", np.full(SIZE, 255, np.uint8))
    with pytest.raises(MaskError, match="marks a defect, but its image lies in good/"):
        dataset.load(good)
    assert not dataset.load(find(dataset, "train/good/000")).known_mask.any()
    (folder / "001_mask.png").unlink()
    with pytest.raises(DatasetError, match="1 of 4 images have no mask"):
        MvtecFolders(bottle)


def test_defective_images_in_train_are_refused(bottle: Path) -> None:
    shutil.copytree(bottle / "test" / "contamination", bottle / "train" / "contamination")
    with pytest.raises(DatasetError, match=r"train holds contamination/; .* good/ and no more") as caught:
        MvtecFolders(bottle)
    assert "edgekit splits by itself" in caught.value.remedy


@pytest.mark.parametrize(
    ("part", "words"), [("train", "train holds images"), ("test", "in no folder of a kind")]
)
def test_images_beside_the_folders_are_refused(bottle: Path, part: str, words: str) -> None:
    save(bottle / part / "stray.png", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match=words):
        MvtecFolders(bottle)


def test_an_empty_folder_of_a_kind_is_refused(bottle: Path) -> None:
    (bottle / "test" / "scratch").mkdir()
    with pytest.raises(DatasetError, match="scratch holds no images"):
        MvtecFolders(bottle)


def test_a_category_without_defects_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ground_truth").mkdir()
    write_mvtec_category(tmp_path, ())
    with pytest.raises(DatasetError, match="holds no defective image"):
        MvtecFolders(tmp_path)


def test_two_images_of_one_name_are_refused(bottle: Path) -> None:
    save(bottle / "train" / "good" / "000.jpg", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        MvtecFolders(bottle)


def test_without_ground_truth_it_is_another_layout(bottle: Path) -> None:
    shutil.rmtree(bottle / "ground_truth")
    assert find_categories(bottle) == []
    with pytest.raises(DatasetError, match="holds no category"):
        MvtecFolders(bottle)
