"""Images with boxes in the layout of Pascal VOC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.voc_boxes import VocBoxes
from edgekit.data.views import label_images, merge_classes
from edgekit_runtime.errors import DatasetError, FrameError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.test_voc_annotations import Corners, format_annotation
from tests.edgekit.image_folders import draw_plate, save

SIZE = (20, 30)
CRACK, STAIN = ("crack", 2, 3, 20, 18), ("stain", 5, 5, 10, 10)


def write_boxed(images: Path, annotations: Path, name: str, *boxes: Corners) -> None:
    """Write an image of `SIZE` and its annotation."""
    images.mkdir(parents=True, exist_ok=True)
    annotations.mkdir(parents=True, exist_ok=True)
    save(images / f"{name}.jpg", draw_plate(len(list(images.iterdir())), SIZE)[0])
    (annotations / f"{name}.xml").write_text(format_annotation(*boxes, size=SIZE))


def write_voc(root: Path) -> Path:
    """Write 12 plates: four with cracks, four with a stain on a crack, four without defect."""
    for number in range(12):
        boxes = ((CRACK,), (CRACK, STAIN), ())[number % 3]
        write_boxed(root / "JPEGImages", root / "Annotations", f"plate-{number:02}", *boxes)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_voc(tmp_path / "voc")


class TestVocBoxes(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: VocBoxes(root, boxes_as_masks=True)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            (root / "Annotations/plate-00.xml").write_text(
                format_annotation(("crack", 2, 3, 20, 19), size=SIZE)
            )
            return open_again

        return change


def test_boxes_become_masks_when_asked(root: Path) -> None:
    dataset = open_dataset(str(root), OpenOptions(boxes_as_masks=True))
    assert (dataset.name, dataset.layout) == ("voc:voc", "VOC boxes")
    assert dataset.classes == ("background", "crack", "stain")
    mask = dataset.load(1).mask
    assert np.unique(mask).tolist() == [0, 1, 2]
    assert (mask[4:10, 4:10] == 2).all()
    assert np.count_nonzero(mask) == 19 * 16
    assert dataset.load(1).kinds == ("crack", "stain")
    assert not dataset.load(2).mask.any()


def test_the_stratum_is_the_rarest_kind(root: Path) -> None:
    dataset = VocBoxes(root)
    assert [item.stratum for item in dataset.items[:3]] == ["crack", "stain", "normal"]
    assert [item.defective for item in dataset.items[:3]] == [True, True, False]


def test_without_masks_the_error_names_the_option(root: Path) -> None:
    dataset = open_dataset(str(root))
    assert dataset.classes == ()
    assert dataset.load(1).mask is None
    with pytest.raises(DatasetError, match="no pixel masks") as caught:
        merge_classes(dataset)
    assert "--boxes-as-masks" in caught.value.remedy


def test_a_classifier_of_defective_images_can_use_it(root: Path) -> None:
    dataset = label_images(open_dataset(str(root)))
    assert [item.label for item in dataset.items[:3]] == [1, 1, 0]


def test_images_without_a_box_may_be_left_out(root: Path) -> None:
    assert len(open_dataset(str(root))) == 12
    assert len(open_dataset(str(root), OpenOptions(include_normal=False))) == 8


def test_colour_is_kept(root: Path) -> None:
    colour = np.zeros((*SIZE, 3), np.uint8)
    colour[:, :, 1] = 200
    (root / "JPEGImages/plate-00.jpg").unlink()
    save(root / "JPEGImages/plate-00.png", colour)
    assert np.array_equal(VocBoxes(root).load(0).image, colour)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("Annotations/plate-03.xml", "1 of 12 images have no annotation, such as .*plate-03"),
        ("JPEGImages/plate-03.jpg", "1 of 12 annotations have no image, such as .*plate-03"),
    ],
)
def test_half_a_pair_is_refused(root: Path, file: str, words: str) -> None:
    (root / file).unlink()
    with pytest.raises(DatasetError, match=words):
        VocBoxes(root)


def test_hidden_files_are_passed_over(root: Path) -> None:
    (root / "Annotations/._plate-00.xml").write_bytes(b"\0\5\x16\7")
    (root / "JPEGImages/._plate-00.jpg").write_bytes(b"\0\5\x16\7")
    assert len(VocBoxes(root)) == 12


def test_an_empty_folder_is_refused(root: Path) -> None:
    for path in (root / "Annotations").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="Annotations holds no XML files"):
        VocBoxes(root)


def test_annotations_without_any_box_are_refused(tmp_path: Path) -> None:
    write_boxed(tmp_path / "JPEGImages", tmp_path / "Annotations", "1")
    with pytest.raises(DatasetError, match="has a box"):
        VocBoxes(tmp_path)


def test_a_kind_called_background_is_refused(tmp_path: Path) -> None:
    write_boxed(tmp_path / "JPEGImages", tmp_path / "Annotations", "1", ("background", 1, 1, 5, 5))
    with pytest.raises(DatasetError, match="'background'"):
        VocBoxes(tmp_path)


@pytest.mark.parametrize("boxes_as_masks", [True, False])
def test_boxes_of_another_size_of_image_are_refused(root: Path, boxes_as_masks: bool) -> None:
    save(root / "JPEGImages/plate-00.jpg", np.zeros((40, 60), np.uint8))
    dataset = VocBoxes(root, boxes_as_masks=boxes_as_masks)
    with pytest.raises(MaskError, match=r"plate-00\.xml is for an image of \(20, 30\)"):
        dataset.load(0)


def test_a_damaged_image_is_named(root: Path) -> None:
    path = root / "JPEGImages/plate-00.jpg"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(FrameError, match=r"plate-00\.jpg"):
        VocBoxes(root).load(0)
