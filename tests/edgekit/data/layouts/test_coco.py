"""COCO instances: where files lie, what annotations hold, and what goes wrong in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.coco import Coco, find_annotation_files
from edgekit.data.layouts.run_lengths import compress_counts, encode_mask
from edgekit_runtime.errors import DatasetError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.annotation_folders import draw_plates, edit_json, write_coco, write_json
from tests.edgekit.image_folders import save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "plates")


@pytest.fixture
def annotations(root: Path) -> Path:
    """The file of annotations."""
    return root / "annotations" / "instances_train.json"


class TestCoco(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: Coco(root)

    @pytest.fixture
    def change_content(self, annotations: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            edit_json(
                annotations, lambda content: content["annotations"][0]["segmentation"][0].__setitem__(0, 0.25)
            )
            return open_again

        return change


def test_every_form_of_segmentation_gives_the_mask(root: Path) -> None:
    dataset = Coco(root)
    assert dataset.name == "coco:plates"
    assert dataset.classes == ("background", "hole", "scratch")
    for index, plate in enumerate(draw_plates()):
        sample = dataset.load(index)
        assert (sample.name, dataset.items[index].defective) == (plate.stem, plate.kind is not None)
        assert np.array_equal(sample.image, plate.image)
        value = dataset.classes.index(plate.kind or "background")
        assert np.array_equal(sample.known_mask, plate.mask * np.uint8(value))
        assert sample.kinds == ((plate.kind,) if plate.kind else ())


@pytest.mark.parametrize(
    ("json_name", "images"),
    [
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_train2017.json", "images/train2017"),
        ("annotations/defects.json", "annotations"),
        ("defects.json", "."),
        ("defects.json", "images"),
        ("train/_annotations.coco.json", "train"),
    ],
)
def test_images_are_found_where_tools_put_them(tmp_path: Path, json_name: str, images: str) -> None:
    dataset = open_dataset(str(write_coco(tmp_path / "set", json_name=json_name, images=images)))
    assert dataset.layout == "COCO"
    assert [item.name for item in dataset.items] == [plate.stem for plate in draw_plates()]


def test_names_of_several_files_carry_the_split(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for split, count in (("train2017", 5), ("val2017", 2)):
        write_coco(root, json_name=f"annotations/instances_{split}.json", images=split, count=count)
    names = [item.name for item in Coco(root).items]
    assert names == [*(f"train2017/plate-{n:02}" for n in range(5)), "val2017/plate-00", "val2017/plate-01"]


def test_captions_beside_instances_are_left_alone(annotations: Path, root: Path) -> None:
    shutil.copy(annotations, annotations.with_name("person_keypoints_train.json"))
    write_json(
        annotations.with_name("captions_train.json"), {"images": [], "annotations": [], "categories": []}
    )
    assert find_annotation_files(root) == [annotations]


def test_one_image_in_two_files_is_refused(root: Path, annotations: Path) -> None:
    shutil.copy(annotations, annotations.with_name("instances_val.json"))
    with pytest.raises(DatasetError, match=r"plate-00\.png is listed twice"):
        Coco(root)


def test_files_must_agree_about_categories(root: Path, annotations: Path) -> None:
    other = annotations.with_name("instances_val.json")
    write_json(other, {"images": [], "annotations": [], "categories": [{"id": 3, "name": "dent"}]})
    with pytest.raises(DatasetError, match=r"instances_val\.json and .*instances_train\.json name different"):
        Coco(root)


def test_boxes_alone_are_masks_only_when_asked_for(root: Path, annotations: Path) -> None:
    def keep_boxes(content: Any) -> None:
        for entry in content["annotations"]:
            del entry["segmentation"]

    expected = [Coco(root).load(index).known_mask for index in range(12)]
    edit_json(annotations, keep_boxes)
    assert open_dataset(str(root)).classes == ()
    dataset = open_dataset(str(root), OpenOptions(boxes_as_masks=True))
    assert all(np.array_equal(dataset.load(index).known_mask, expected[index]) for index in range(12))


def test_defective_ones_alone_can_be_asked_for(root: Path) -> None:
    dataset = open_dataset(str(root), OpenOptions(include_normal=False))
    assert [item.defective for item in dataset.items] == [True] * 9


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Return a change that puts a value somewhere into the annotations."""

    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


POLYGON, COUNTS, TEXT = (("annotations", index, "segmentation") for index in range(3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            put("images", 0, "file_name", value="../plate-00.png"),
            r"images\[0\]: 'file_name' must be a path below",
        ),
        (put("images", 0, "file_name", value="/etc/passwd"), "'file_name' must be a path below"),
        (put("images", 0, "file_name", value="a\\b.png"), "'file_name' must be a path below"),
        (put("images", 0, "file_name", value="lost.png"), r"there is no image lost\.png"),
        (put("images", 0, "file_name", value=17), "'file_name' must be a text, got 17"),
        (put("images", 1, "file_name", value="plate-00.png"), "listed twice"),
        (put("images", 1, "id", value=100), r"images\[1\]: the id 100 is there twice"),
        (put("images", 1, "id", value=-1), "'id' must not be negative"),
        (put("images", 1, "id", value="1"), "'id' must be a whole number"),
        (put("images", 1, "id", value=True), "'id' must be a whole number"),
        (put("images", 1, value=None), r"images\[1\]: 'id' must be a whole number, got none"),
        (put("images", value={}), "'images' must be a list"),
        (lambda content: content.pop("categories"), "'categories' must be a list, got none"),
        (put("annotations", 0, "image_id", value=4), r"annotations\[0\]: no image has the id 4"),
        (put("annotations", 0, "category_id", value=4), "no category has the id 4"),
        (put("annotations", 0, value=[]), "must be a whole number"),
        (put("categories", value=[]), "names no category"),
        (put("categories", 0, "id", value=3), "the id 3 is there twice"),
        (put("categories", 0, "name", value="hole"), "two classes called 'hole'"),
        (put(*POLYGON, value=[[1, 2, 3, 4]]), "3 points or more, got 2"),
        (put(*POLYGON, value=[[1, 2, 3, 4, 5]]), "x and y in turn"),
        (put(*POLYGON, value=[[1, 2, 3, 4, 5, "6"]]), "two finite numbers"),
        (put(*POLYGON, value="hello"), "x and y in turn"),
        (put(*COUNTS, "counts", value=[-3, 963]), "whole numbers from 0"),
        (put(*COUNTS, "counts", value=[1.5]), "whole numbers from 0"),
        (put(*COUNTS, "size", value=[24]), "'size' must be height and width"),
        (put(*COUNTS, "size", value=[24, -40]), "'size' must be height and width"),
        (put(*TEXT, "counts", value="~~"), "character '~'"),
        (put(*TEXT, "counts", value=None), "whole numbers from 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    root: Path, annotations: Path, change, words: str
) -> None:
    edit_json(annotations, change)
    with pytest.raises(DatasetError, match=words):
        Coco(root)


@pytest.mark.parametrize(
    "box", [[1, 2, 3], [1, 2, 0, 4], [1, 2, 3, -4], [1, 2, 3, "4"], "1234", [1, 2, 3, 1e300]]
)
def test_boxes_that_are_none_are_refused(root: Path, annotations: Path, box: Any) -> None:
    edit_json(annotations, lambda content: content["annotations"][0].update(segmentation=[], bbox=box))
    with pytest.raises(DatasetError, match=r"annotations\[0\]: 'bbox' must be"):
        Coco(root)


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "package.json", {"name": "images annotations"})
    with pytest.raises(DatasetError, match="holds no COCO annotations"):
        Coco(tmp_path)


def test_run_lengths_of_real_masks_give_the_masks(tmp_path: Path, real_data: Path) -> None:
    source = open_dataset(str(real_data / "neu-seg"))
    chosen = range(0, len(source), 40)
    content: dict[str, list[Any]] = {"images": [], "annotations": []}
    content["categories"] = [
        {"id": value, "name": name} for value, name in enumerate(source.classes) if value
    ]
    for index in chosen:
        sample = source.load(index)
        height, width = sample.image.shape[:2]
        name = f"{index}.png"
        save(tmp_path / name, sample.image)
        content["images"].append({"id": index, "file_name": name, "height": height, "width": width})
        for value in np.unique(sample.known_mask[sample.known_mask > 0]).tolist():
            counts = compress_counts(encode_mask(sample.known_mask == value))
            runs = {"size": [height, width], "counts": counts}
            content["annotations"].append({"image_id": index, "category_id": value, "segmentation": runs})
    write_json(tmp_path / "instances.json", content)
    dataset = Coco(tmp_path)
    assert dataset.classes == source.classes
    for position, index in enumerate(chosen):
        ours, theirs = dataset.load(position), source.load(index)
        assert np.array_equal(ours.image, theirs.image)
        assert np.array_equal(ours.known_mask, theirs.known_mask)
        assert ours.kinds == theirs.kinds
