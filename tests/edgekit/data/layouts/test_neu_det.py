"""The NEU-DET loader: a small folder in its layout, and real images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.neu_det import KINDS, NeuDet
from edgekit.data.views import merge_classes
from edgekit_runtime.errors import DatasetError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.linked_trees import link_tree, replace_link
from tests.edgekit.data.layouts.test_voc_boxes import write_boxed
from tests.edgekit.image_folders import load, save

SECOND = "inclusion"


def write_neu_det(root: Path) -> Path:
    """Write five images of each kind; the third of each has a second box, of inclusion."""
    for kind in KINDS:
        for number in range(1, 6):
            boxes = [(kind, 2, 3, 20, 18)] + [(SECOND, 4, 4, 9, 9)] * (number == 3)
            folder = root / "NEU-DET"
            write_boxed(folder / "IMAGES", folder / "ANNOTATIONS", f"{kind}_{number}", *boxes)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_neu_det(tmp_path / "neu-det")


class TestNeuDetWithLabels(DatasetConformance):
    boxes_as_masks = False

    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: NeuDet(root, boxes_as_masks=self.boxes_as_masks)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "NEU-DET/IMAGES/crazing_1.jpg", np.zeros((20, 30), np.uint8))
            return open_again

        return change


class TestNeuDetWithMasks(TestNeuDetWithLabels):
    boxes_as_masks = True


def test_the_name_up_to_the_last_underscore_is_the_label(root: Path) -> None:
    dataset = NeuDet(root)
    assert dataset.labels == KINDS == tuple(sorted(KINDS))
    assert dataset.normal_label is None
    assert all(dataset.labels[item.label] == item.stratum == item.name[:-2] for item in dataset.items)
    assert all(item.defective for item in dataset.items)
    index = [item.name for item in dataset.items].index("rolled-in_scale_3")
    assert dataset.load(index).kinds == ("inclusion", "rolled-in_scale")


def test_boxes_become_masks_only_when_asked(root: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        merge_classes(open_dataset(str(root)))
    assert "--boxes-as-masks" in caught.value.remedy
    dataset = open_dataset(str(root), OpenOptions(boxes_as_masks=True))
    assert dataset.classes == ("background", *KINDS)
    index = [item.name for item in dataset.items].index("scratches_3")
    assert np.unique(dataset.load(index).mask).tolist() == [0, 2, 6]
    assert dataset.fingerprint() != open_dataset(str(root)).fingerprint()


def test_three_equal_channels_are_grey(root: Path) -> None:
    path = root / "NEU-DET/IMAGES/crazing_1.jpg"
    grey = load(path)
    save(path, np.repeat(grey[:, :, None], 3, axis=2))
    assert NeuDet(root).load(0).image.ndim == 2


def test_either_level_opens_the_same(root: Path) -> None:
    first, second = open_dataset(str(root)), open_dataset(str(root / "NEU-DET"))
    assert (first.name, first.items, first.layout) == (second.name, second.items, second.layout)
    assert first.fingerprint() == second.fingerprint()


def test_a_name_of_another_kind_is_refused(root: Path) -> None:
    for folder, suffix in (("IMAGES", ".jpg"), ("ANNOTATIONS", ".xml")):
        path = root / "NEU-DET" / folder / f"crazing_1{suffix}"
        path.rename(path.with_name(f"holes_1{suffix}"))
    with pytest.raises(DatasetError, match=r"holes_1\.jpg is called 'holes'; NEU-DET has crazing"):
        NeuDet(root)


def test_a_box_of_another_kind_is_refused(root: Path) -> None:
    path = root / "NEU-DET/ANNOTATIONS/crazing_1.xml"
    path.write_text(path.read_text().replace("<name>crazing<", "<name>hole<"))
    with pytest.raises(DatasetError, match=r"crazing_1\.xml has a box of 'hole'"):
        NeuDet(root)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="NEU-DET/IMAGES"):
        NeuDet(tmp_path)


def test_counts_of_the_real_images(real_data: Path) -> None:
    dataset = open_dataset(str(real_data / "neu-det" / "NEU-DET"))
    assert dataset.layout == "NEU-DET"
    assert Counter(dataset.labels[item.label] for item in dataset.items) == dict.fromkeys(KINDS, 240)


@pytest.mark.slow
class TestRealNeuDet(DatasetConformance):
    @pytest.fixture
    def open_again(self, real_data: Path) -> OpenDataset:
        return lambda: NeuDet(real_data / "neu-det", boxes_as_masks=True)

    @pytest.fixture
    def change_content(self, real_data: Path, tmp_path: Path) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            copy = link_tree(real_data / "neu-det", tmp_path / "neu-det")
            replace_link(copy / "NEU-DET/IMAGES/patches_101.jpg", np.zeros((200, 200), np.uint8))
            return lambda: NeuDet(copy, boxes_as_masks=True)

        return change

    def test_every_image_loads_and_has_a_box_of_its_own_kind(self, real_data: Path) -> None:
        dataset = NeuDet(real_data / "neu-det", boxes_as_masks=True)
        second = 0
        for index, item in enumerate(dataset.items):
            sample = dataset.load(index)
            assert sample.image.shape == (200, 200)
            assert item.stratum in sample.kinds
            assert item.label + 1 in sample.mask
            second += len(sample.kinds) > 1
        assert second == 93
