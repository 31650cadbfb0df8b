"""LabelMe files beside their images, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data import open_dataset
from edgekit.data.layouts.labelme import LabelMe
from edgekit_runtime.errors import DatasetError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.annotation_folders import draw_plates, edit_json, write_json, write_labelme


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_labelme(tmp_path / "plates")


@pytest.fixture
def file(root: Path) -> Path:
    """The file of the first image, with one polygon."""
    return root / "plate-00.json"


class TestLabelMe(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: LabelMe(root)

    @pytest.fixture
    def change_content(self, file: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            edit_json(file, lambda content: content["shapes"][0]["points"].__setitem__(0, [0.25, 0]))
            return open_again

        return change


def test_shapes_give_the_masks(root: Path) -> None:
    dataset = open_dataset(str(root))
    assert (dataset.layout, dataset.name) == ("LabelMe", "labelme:plates")
    assert dataset.classes == ("background", "hole", "scratch")
    for index, plate in enumerate(draw_plates()):
        sample = dataset.load(index)
        assert np.array_equal(sample.image, plate.image)
        value = dataset.classes.index(plate.kind or "background")
        assert np.array_equal(sample.known_mask, plate.mask * np.uint8(value))
        assert dataset.items[index].defective == (plate.kind is not None)


def test_folders_below_are_read_and_name_the_items(root: Path) -> None:
    (root / "line-2").mkdir()
    for suffix in ("png", "json"):
        (root / f"plate-11.{suffix}").rename(root / "line-2" / f"plate-11.{suffix}")
    assert {"line-2/plate-11", "plate-10"} < {item.name for item in LabelMe(root).items}


def test_a_circle_is_a_centre_and_a_point_on_it(root: Path, file: Path) -> None:
    shape = {"label": "hole", "shape_type": "circle", "points": [[20, 12], [23, 16]]}
    edit_json(file, lambda content: content.update(shapes=[shape]))
    mask = LabelMe(root).load(0).known_mask
    assert mask[12, 20 + 4] == 1
    assert mask[12, 20 + 5] == 0
    assert np.count_nonzero(mask) == pytest.approx(np.pi * 25, abs=4)


def test_early_files_without_a_shape_type_hold_polygons(root: Path, file: Path) -> None:
    before = LabelMe(root).load(0).known_mask
    edit_json(file, lambda content: content["shapes"][0].update(shape_type=None))
    assert np.array_equal(LabelMe(root).load(0).known_mask, before)


def test_background_clears_and_names_no_class(root: Path, file: Path) -> None:
    def cover(content: Any) -> None:
        content["shapes"].append({**content["shapes"][0], "label": "_background_"})

    edit_json(file, cover)
    dataset = LabelMe(root)
    assert dataset.classes == ("background", "hole", "scratch")
    assert not dataset.load(0).known_mask.any()


def test_an_image_without_a_file_is_refused(root: Path, file: Path) -> None:
    file.unlink()
    with pytest.raises(
        DatasetError, match=r"1 images have no LabelMe file, such as .*plate-00\.png"
    ) as caught:
        LabelMe(root)
    assert "empty list of shapes" in caught.value.remedy


def test_a_file_without_its_image_is_refused(root: Path) -> None:
    (root / "plate-00.png").unlink()
    with pytest.raises(
        DatasetError, match=r"plate-00\.json is for the image 'plate-00\.png', which is not beside"
    ):
        LabelMe(root)


def test_two_files_of_one_image_are_refused(root: Path) -> None:
    edit_json(root / "plate-01.json", lambda content: content.update(imagePath="plate-00.png"))
    with pytest.raises(DatasetError, match=r"plate-01\.json and .*plate-00\.json are both for"):
        LabelMe(root)


def test_a_set_without_any_shape_is_refused(root: Path) -> None:
    for path in root.glob("*.json"):
        edit_json(path, lambda content: content.update(shapes=[]))
    with pytest.raises(DatasetError, match="no shape with a label in 12 files"):
        LabelMe(root)


def test_another_size_than_the_file_says_is_refused(root: Path, file: Path) -> None:
    edit_json(file, lambda content: content.update(imageHeight=40, imageWidth=24))
    with pytest.raises(MaskError, match=r"annotations are for \(40, 24\)"):
        LabelMe(root).load(0)


def test_other_json_among_the_files_is_refused(root: Path) -> None:
    write_json(root / "settings.json", {"zoom": 3})
    with pytest.raises(DatasetError, match=r"settings\.json: 'imagePath' must be a text"):
        LabelMe(root)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape_type": "linestrip"}, "a linestrip of 4 points has no area"),
        ({"shape_type": "mask"}, "a mask of 4 points"),
        ({"shape_type": "point", "points": [[1, 2]]}, "a point of 1 points"),
        ({"shape_type": "circle"}, "a circle of 4 points"),
        ({"shape_type": ["polygon"]}, "no area that edgekit knows"),
        ({"points": [[1, 2], [3, 4]]}, "3 points or more, got 2"),
        ({"points": [[1, 2], [3, 4], [5]]}, "two finite numbers"),
        ({"points": None}, "'points' must be a list"),
        ({"label": 3}, "'label' must be a text"),
        ({"label": "__ignore__"}, "has no meaning here"),
    ],
)
def test_shapes_that_cannot_be_drawn_are_refused(root: Path, file: Path, change: dict, words: str) -> None:
    edit_json(file, lambda content: content["shapes"][0].update(change))
    with pytest.raises(DatasetError, match=rf"plate-00\.json, shapes\[0\]: .*{words}") as caught:
        LabelMe(root)
    assert caught.value.remedy
