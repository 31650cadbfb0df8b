"""Defective images alone: where items say so, where only masks do, and where nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.defective_only import keep_defective
from edgekit_runtime.errors import DatasetError
from tests.edgekit.data.layouts.building import write_class_folders
from tests.edgekit.image_folders import save, write_image_folder

DEFECTIVE_ONLY = OpenOptions(include_normal=False)


def test_masks_are_read_where_only_they_tell(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=4, size=(24, 40))
    assert keep_defective(whole := open_dataset(str(root))) is whole
    save(root / "masks" / "plate-01.png", np.zeros((24, 40), np.uint8))
    dataset = open_dataset(str(root), DEFECTIVE_ONLY)
    assert [item.name for item in dataset.items] == ["plate-00", "plate-02", "plate-03"]
    assert dataset.layout == "images/ and masks/"
    assert dataset.load(1).name == "plate-02"


def test_labels_tell_where_there_are_no_masks(tmp_path: Path) -> None:
    dataset = open_dataset(str(write_class_folders(tmp_path / "classes")), DEFECTIVE_ONLY)
    assert {item.name.split("/")[0] for item in dataset.items} == {"crack", "stain"}


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=2, size=(24, 40))
    for path in (root / "masks").iterdir():
        save(path, np.zeros((24, 40), np.uint8))
    with pytest.raises(DatasetError, match="None of the 2 images") as caught:
        open_dataset(str(root), DEFECTIVE_ONLY)
    assert "--defective-only" in caught.value.remedy


def test_a_groups_file_still_names_all_images(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=3, size=(24, 40))
    save(root / "masks" / "plate-01.png", np.zeros((24, 40), np.uint8))
    (root / "groups.csv").write_text("image,group\nplate-00,a\nplate-01,a\nplate-02,b\n")
    assert [item.group for item in open_dataset(str(root), DEFECTIVE_ONLY).items] == ["a", "b"]
