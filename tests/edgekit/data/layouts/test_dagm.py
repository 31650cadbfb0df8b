"""The DAGM 2007 loader: a small folder in its layout, and real images."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.layouts.dagm import Dagm2007, find_class_folders
from edgekit_runtime.errors import DatasetError, FrameError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.image_folders import draw_plate, save


def write_dagm(root: Path, *, kinds: tuple[int, ...] = (1, 10, 2), count: int = 6) -> Path:
    """Write Train and Test of each class; every image but the last of each folder has a label."""
    for kind in kinds:
        for part in ("Train", "Test"):
            folder = root / f"Class{kind}" / part
            (folder / "Label").mkdir(parents=True)
            for number in range(1, count + 1):
                image, mask = draw_plate(100 * kind + number, (32, 48))
                save(folder / f"{number:04}.PNG", image, format="PNG")
                if number < count:
                    save(folder / "Label" / f"{number:04}_label.PNG", mask, format="PNG")
    return root


class TestDagm2007(DatasetConformance):
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return write_dagm(tmp_path / "dagm")

    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: Dagm2007(root, include_normal=True)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / "Class2/Test/0003.PNG", np.zeros((32, 48), np.uint8))
            return open_again

        return change


def test_only_labelled_images_are_items_by_default(tmp_path: Path) -> None:
    root = write_dagm(tmp_path)
    assert len(Dagm2007(root)) == 30
    assert all(item.defective for item in Dagm2007(root).items)
    everything = Dagm2007(root, include_normal=True)
    assert len(everything) == 36
    normal = [index for index, item in enumerate(everything.items) if not item.defective]
    assert len(normal) == 6
    assert not everything.load(normal[0]).mask.any()


def test_classes_come_by_number_and_one_may_be_opened(tmp_path: Path) -> None:
    root = write_dagm(tmp_path)
    assert [folder.name for folder in find_class_folders(root)] == ["Class1", "Class2", "Class10"]
    assert Dagm2007(root).name == "dagm2007"
    one = Dagm2007(root / "Class10")
    assert one.name == "dagm2007:Class10"
    assert one.items[0].name == "Class10/Train/0001"
    assert {item.stratum for item in one.items} == {"Class10/defective"}


def test_labels_change_the_fingerprint(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    before = Dagm2007(root).fingerprint()
    save(root / "Class1/Train/Label/0001_label.PNG", np.full((32, 48), 255, np.uint8))
    assert Dagm2007(root).fingerprint() != before


def test_labels_split_above_127(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    label = np.zeros((32, 48), np.uint8)
    label[:8], label[8:16] = 127, 128
    save(root / "Class1/Train/Label/0001_label.PNG", label)
    mask = Dagm2007(root).load(0).mask
    assert not mask[:8].any()
    assert mask[8:16].all()


def test_a_label_of_another_size_is_refused(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    save(root / "Class1/Train/Label/0001_label.PNG", np.zeros((48, 32), np.uint8))
    with pytest.raises(MaskError, match="0001_label"):
        Dagm2007(root).load(0)


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    broken = root / "Class1/Train/0001.PNG"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(FrameError, match=r"0001\.PNG"):
        Dagm2007(root).load(0)


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Class1/Train"):
        Dagm2007(tmp_path)


def test_images_without_labels_alone_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "Class1" / "Train"
    folder.mkdir(parents=True)
    save(folder / "0001.PNG", np.zeros((16, 16), np.uint8))
    with pytest.raises(DatasetError) as caught:
        Dagm2007(tmp_path)
    assert "--include-normal" in caught.value.remedy


class TestRealDagm2007(DatasetConformance):
    @pytest.fixture
    def open_again(self, real_data: Path) -> OpenDataset:
        return lambda: Dagm2007(real_data / "dagm2007", include_normal=True)

    @pytest.fixture
    def change_content(self, real_data: Path, tmp_path: Path) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            copy = shutil.copytree(real_data / "dagm2007", tmp_path / "dagm2007")
            save(copy / "Class6/Train/1070.PNG", np.zeros((512, 512), np.uint8))
            return lambda: Dagm2007(copy, include_normal=True)

        return change

    def test_counts(self, real_data: Path) -> None:
        root = real_data / "dagm2007"
        everything, defective = Dagm2007(root, include_normal=True), Dagm2007(root)
        files = [path for path in root.glob("Class*/Train/*") if path.suffix == ".PNG"]
        labels = list(root.glob("Class*/Train/Label/*_label.PNG"))
        assert (len(everything), len(defective)) == (len(files), len(labels)) == (25, 19)
        assert len(Dagm2007(root / "Class6")) == 10

    def test_labels_are_ellipses_on_512_pixels(self, real_data: Path) -> None:
        dataset = Dagm2007(real_data / "dagm2007")
        for index in range(len(dataset)):
            sample = dataset.load(index)
            assert sample.image.shape == (512, 512)
            assert 0.001 < sample.mask.mean() < 0.2


def test_a_label_of_no_image_is_refused(tmp_path: Path) -> None:
    # Its image would count as defect-free in silence.
    root = write_dagm(tmp_path, kinds=(1,))
    labels = root / "Class1/Test/Label"
    (labels / "0001_label.PNG").rename(labels / "0001_Label.PNG")
    with pytest.raises(
        DatasetError, match=r"1 of 5 labels have no image, such as .*0001_Label\.PNG"
    ) as caught:
        Dagm2007(root)
    assert "NNNN_label.PNG" in caught.value.remedy


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    shutil.copy(root / "Class1/Train/0001.PNG", root / "Class1/Train/0001.png")
    with pytest.raises(DatasetError, match="share a name"):
        Dagm2007(root)


def test_other_files_beside_labels_are_no_labels(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    (root / "Class1/Train/Label/Labels.txt").write_text("official archives hold this")
    assert len(Dagm2007(root)) == 10


def test_a_class_may_be_a_link_or_be_reached_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_dagm(tmp_path / "dagm", kinds=(1, 2))
    (root / "Class2").rename(tmp_path / "store")
    (root / "Class2").symlink_to(tmp_path / "store")
    (tmp_path / "link").symlink_to(root / "Class1")
    assert Dagm2007(root / "Class2").items[0].name == "Class2/Train/0001"
    assert Dagm2007(tmp_path / "link").items[0].name == "Class1/Train/0001"
    monkeypatch.chdir(root / "Class1")
    assert Dagm2007(Path()).name == "dagm2007:Class1"
