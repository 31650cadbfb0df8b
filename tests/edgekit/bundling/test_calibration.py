"""The images that int8 is calibrated on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.bundling.calibration import MOST_IMAGES, choose_calibration
from edgekit.checkpoints.format import Checkpoint
from edgekit.data import open_dataset, split_dataset
from edgekit.data.views import merge_classes
from edgekit.train.run_data import describe_data
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.image_folders import draw_plate, save
from tests.edgekit.records import make_record

UNKNOWN = make_record("cheapnet-s", provenance="imported")


def trained_on(data: str) -> Checkpoint:
    dataset = open_dataset(data)
    info = describe_data(dataset, split_dataset(dataset))
    return replace(UNKNOWN, training={"data": data}, data=info)


def write_frames(folder: Path, *, count: int, size: tuple[int, int] = (64, 64)) -> Path:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        save(folder / f"frame-{index:03}.png", draw_plate(index, size)[0])
    return folder


def test_the_training_part_of_the_training_data_is_taken(image_folder: Path) -> None:
    record = trained_on(str(image_folder))
    images = choose_calibration(record, None, (64, 64))
    dataset = open_dataset(str(image_folder))
    train = split_dataset(dataset).subset(dataset, "train")
    assert {images.source.items[index].name for index in images.chosen} <= {item.name for item in train.items}
    assert len(images) == min(MOST_IMAGES, len(train))


@pytest.mark.slow
def test_the_training_part_is_found_where_kinds_of_defect_were_merged(real_data: Path) -> None:
    """NEU-Seg has three kinds; a network with one defect class was trained on them as one."""
    source = str(real_data / "neu-seg")
    seen = merge_classes(open_dataset(source))
    split = split_dataset(seen)
    record = replace(UNKNOWN, training={"data": source}, data=describe_data(seen, split))
    images = choose_calibration(record, None, (208, 208))
    train = {item.name for item in split.subset(seen, "train").items}
    assert {images.source.items[index].name for index in images.chosen} <= train


def test_generated_training_data_are_drawn_in_the_bundle_s_size() -> None:
    images = choose_calibration(trained_on("synthetic:dagm/5"), None, (64, 96))
    assert len(images) == MOST_IMAGES
    assert images[0].shape == (64, 96)


def test_frames_of_the_line_need_no_masks(tmp_path: Path) -> None:
    images = choose_calibration(UNKNOWN, str(write_frames(tmp_path / "line", count=3)), (64, 64))
    assert (len(images), images.name) == (3, "line")
    assert all(frame.shape == (64, 64) and frame.dtype == np.uint8 for frame in images)
    assert len(images[1:]) == 2


def test_many_images_are_spread_over_the_whole_set(tmp_path: Path) -> None:
    images = choose_calibration(UNKNOWN, str(write_frames(tmp_path / "line", count=130)), (64, 64))
    assert len(images) == MOST_IMAGES
    assert images.chosen[0] == 0
    assert images.chosen[-1] >= 126


def test_smaller_images_are_padded_and_those_of_another_size_left_out(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "line", count=2, size=(60, 64))
    save(folder / "other.png", draw_plate(9, (128, 128))[0])
    images = choose_calibration(UNKNOWN, str(folder), (64, 64))
    assert [frame.shape for frame in images] == [(64, 64), (64, 64)]


def test_a_colour_network_gets_colour(tmp_path: Path) -> None:
    record = make_record("resnet50", classes=("ok", "bad"), normal_class="ok", provenance="imported")
    assert choose_calibration(record, str(write_frames(tmp_path / "line", count=1)), (64, 64))[0].shape == (
        64,
        64,
        3,
    )


def test_the_fingerprint_is_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    one = choose_calibration(UNKNOWN, str(write_frames(tmp_path / "one", count=3)), (64, 64))
    two = choose_calibration(UNKNOWN, str(write_frames(tmp_path / "two", count=3)), (64, 64))
    assert one.fingerprint == two.fingerprint
    save(tmp_path / "two" / "frame-001.png", draw_plate(7, (64, 64))[0])
    assert choose_calibration(UNKNOWN, str(tmp_path / "two"), (64, 64)).fingerprint != one.fingerprint


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        choose_calibration(UNKNOWN, str(tmp_path), (64, 64))


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        choose_calibration(UNKNOWN, str(tmp_path / "gone"), (64, 64))


def test_images_of_other_sizes_alone_are_refused(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "line", count=2, size=(128, 96))
    with pytest.raises(DatasetError, match="64×64 pixels; the first one has 128×96") as caught:
        choose_calibration(UNKNOWN, str(folder), (64, 64))
    assert "--size" in caught.value.remedy


def test_without_training_data_images_must_be_named() -> None:
    with pytest.raises(UsageProblem) as caught:
        choose_calibration(UNKNOWN, None, (64, 64))
    assert "--calibrate-on" in caught.value.remedy
