"""YOLO segmentation: where files lie, what lines hold, and what goes wrong in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.yolo_seg import YoloSeg
from edgekit_runtime.errors import DatasetError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.annotation_folders import SIZE, draw_plates, write_yolo
from tests.edgekit.image_folders import save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_yolo(tmp_path / "plates")


@pytest.fixture
def label(root: Path) -> Path:
    """The labels of the first image of train."""
    return root / "labels" / "train" / "plate-01.txt"


class TestYoloSeg(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: YoloSeg(root)

    @pytest.fixture
    def change_content(self, label: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            label.write_text("1 0 0 1 0 1 1\n")
            return open_again

        return change


@pytest.mark.parametrize(
    ("images", "labels", "prefix"),
    [
        ("images/{part}", "labels/{part}", "{part}/"),
        ("{part}/images", "{part}/labels", "{part}/"),
        ("images", "labels", ""),
        ("yolo/{part}/images/a", "yolo/{part}/labels/a", "yolo/{part}/a/"),
    ],
)
def test_labels_lie_as_images_do(tmp_path: Path, images: str, labels: str, prefix: str) -> None:
    root = write_yolo(tmp_path / "set", images=images, labels=labels)
    dataset = YoloSeg(root)
    assert dataset.classes == ("background", "hole", "scratch")
    plates = {plate.stem: plate for plate in draw_plates()}
    assert len(dataset) == len(plates)
    for index, item in enumerate(dataset.items):
        plate, sample = plates[item.name.rpartition("/")[2]], dataset.load(index)
        part = "val" if int(plate.stem[-2:]) % 3 == 0 else "train"
        assert item.name == prefix.format(part=part) + plate.stem
        assert np.array_equal(sample.image, plate.image)
        value = dataset.classes.index(plate.kind or "background")
        assert np.array_equal(sample.known_mask, plate.mask * np.uint8(value))
        assert item.defective == (plate.kind is not None)


@pytest.mark.parametrize("images", ["images/{part}", "{part}/images", "images"])
def test_it_is_recognised(tmp_path: Path, images: str) -> None:
    root = write_yolo(tmp_path / "set", images=images, labels=images.replace("images", "labels"))
    assert open_dataset(str(root)).layout == "YOLO segmentation"


def test_names_come_from_a_list_of_classes_or_are_made_up(root: Path) -> None:
    (root / "data.yaml").unlink()
    assert YoloSeg(root).classes == ("background", "class0", "class1")
    (root / "labels" / "classes.txt").write_text("pore\nscrape\n")
    assert YoloSeg(root).classes == ("background", "pore", "scrape")


def test_boxes_are_masks_only_when_asked_for(root: Path, label: Path) -> None:
    height, width = SIZE
    expected = YoloSeg(root).load(0).known_mask
    left, top, right, bottom = next(plate for plate in draw_plates() if plate.stem == "plate-01").box
    box = (
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    label.write_text(f"1 {' '.join(map(str, box))}")
    dataset = open_dataset(str(root))
    assert dataset.classes == ()
    assert "labels/train/plate-01.txt, line 1" in (dataset.mask_remedy or "")
    boxed = open_dataset(str(root), OpenOptions(boxes_as_masks=True))
    assert np.array_equal(boxed.load(0).known_mask, expected)


def test_a_missing_label_file_is_refused_and_says_why(root: Path, label: Path) -> None:
    label.unlink()
    with pytest.raises(
        DatasetError, match=r"1 of 12 images have no label file, such as .*plate-01\.png"
    ) as caught:
        YoloSeg(root)
    assert "save an empty labels/train/plate-01.txt" in caught.value.remedy
    assert "YOLO takes a missing file for that" in caught.value.remedy


def test_a_label_file_without_image_is_refused(root: Path) -> None:
    (root / "labels" / "train" / "lost.txt").write_text("")
    with pytest.raises(DatasetError, match=r"1 of 13 label files have no image, such as .*lost\.txt"):
        YoloSeg(root)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="no images in images/"):
        YoloSeg(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.1 0.1 0.2", "an odd count"),
        ("0 0.1 0.1 0.2 0.2 0.3", "an odd count"),
        ("0 0.1 0.1", "3 points or more, got 1"),
        ("0", "3 points or more, got 0"),
        ("-1 0.1 0.1 0.2 0.2 0.3 0.1", "expected a class"),
        ("hole 0.1 0.1 0.2 0.2 0.3 0.1", "expected a class"),
        ("0.5 0.1 0.1 0.2 0.2 0.3 0.1", "expected a class"),
        ("99999999999 0.1 0.1 0.2 0.2 0.3 0.1", "expected a class"),
        ("0 0.1 0.1 0.2 nan 0.3 0.1", "expected a class"),
        ("0 0.1 0.1 0.2 inf 0.3 0.1", "expected a class"),
        ("0 0.1 0.1 0.2 1e999 0.3 0.1", "expected a class"),
        ("0 0.1 0.1 0.2 ٣ 0.3 0.1", "expected a class"),
        ("0 10 10 250 10 250 90", "expected a class"),
        ("0 0.5 0.5 0 0.2", "positive width"),
        ("2 0.1 0.1 0.2 0.2 0.3 0.1", "class 2 has no name; there are names for 0 to 1"),
    ],
)
def test_lines_that_are_none_are_refused_with_their_place(
    root: Path, label: Path, line: str, words: str
) -> None:
    label.write_text(f"0 0.1 0.1 0.2 0.2 0.3 0.1\n\n{line}\n")
    with pytest.raises(DatasetError, match=rf"labels/train/plate-01\.txt, line 3: .*{words}"):
        YoloSeg(root)


def test_corners_a_little_outside_are_cut_off(root: Path, label: Path) -> None:
    label.write_text("1 -0.5 -0.5 1.25 -0.5 1.25 1.25 -0.5 1.25")
    assert (YoloSeg(root).load(0).known_mask == 2).all()
