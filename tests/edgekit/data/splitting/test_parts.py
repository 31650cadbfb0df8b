"""Which part of the data a command means: never the training part by accident."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset, split_dataset
from edgekit.data.splitting.parts import choose_part, open_part
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.train.run_data import describe_data
from edgekit_runtime.bundle import DataInfo
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.data.layouts.test_dagm import write_dagm
from tests.edgekit.image_folders import load, save, write_image_folder

DATASET = SyntheticDagm((6,), size=(64, 64))
OTHER = SyntheticDagm((5,), size=(64, 64))


@pytest.fixture(scope="module")
def trained_on() -> DataInfo:
    return describe_data(DATASET, split_dataset(DATASET, seed=3))


def test_the_default_is_the_stored_test_part(trained_on: DataInfo) -> None:
    chosen = choose_part(DATASET, trained_on, None)
    assert chosen.part == "test"
    assert chosen.dataset.fingerprint() == trained_on.parts["test"]
    split = split_dataset(DATASET, seed=3)
    trained = {DATASET.items[index].name for index in split.parts["train"]}
    assert not trained & {item.name for item in chosen.dataset.items}
    assert len(chosen.dataset) == 30


def test_the_order_of_stored_fractions_does_not_matter(trained_on: DataInfo) -> None:
    fractions = {name: (trained_on.split.fractions or {})[name] for name in ("test", "val", "train")}
    chosen = choose_part(
        DATASET, replace(trained_on, split=replace(trained_on.split, fractions=fractions)), None
    )
    assert chosen.dataset.fingerprint() == trained_on.parts["test"]


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_part_is_found_again(trained_on: DataInfo, part: str) -> None:
    chosen = choose_part(DATASET, trained_on, part)
    assert chosen.part == part
    assert chosen.dataset.fingerprint() == trained_on.parts[part]


def test_other_data_are_taken_whole(trained_on: DataInfo) -> None:
    for known in (trained_on, None):
        chosen = choose_part(OTHER, known, None)
        assert (chosen.part, chosen.dataset) == ("all", OTHER)
    assert choose_part(DATASET, trained_on, "all").dataset is DATASET


def test_other_data_have_no_stored_part(trained_on: DataInfo) -> None:
    for known in (trained_on, None):
        with pytest.raises(UsageProblem, match="no stored test part"):
            choose_part(OTHER, known, "test")


def test_a_part_that_is_not_the_recorded_one_is_refused(trained_on: DataInfo) -> None:
    other_seed = replace(trained_on, split=replace(trained_on.split, seed=4))
    with pytest.raises(DatasetError, match="not the one that was recorded"):
        choose_part(DATASET, other_seed, None)


def test_another_default(trained_on: DataInfo) -> None:
    assert choose_part(DATASET, trained_on, None, default="val").part == "val"


def test_data_that_changed_since_the_training_are_not_measured_as_unseen(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    dataset = open_dataset(str(root))
    info = describe_data(dataset, split_dataset(dataset))
    save(root / "masks" / "plate-04.png", np.zeros((32, 32), np.uint8))
    with pytest.raises(DatasetError, match="have changed since") as caught:
        open_part(str(root), trained_on=info, part=None)
    assert "--split all" in caught.value.remedy
    assert open_part(str(root), trained_on=info, part="all").part == "all"


def test_data_trained_on_with_defect_free_images_are_opened_so_again(tmp_path: Path) -> None:
    root = write_dagm(tmp_path / "dagm", kinds=(1, 2), count=10)
    dataset = open_dataset(str(root), OpenOptions(True))
    info = describe_data(dataset, split_dataset(dataset), OpenOptions(True))
    for include_normal in (None, True):
        chosen = open_part(str(root), trained_on=info, part=None, options=OpenOptions(include_normal))
        assert chosen.part == "test"
        assert chosen.dataset.fingerprint() == info.parts["test"]
    with pytest.raises(UsageProblem, match="no stored test part"):
        open_part(str(root), trained_on=None, part="test")


def test_a_named_part_of_data_that_changed_is_refused_too(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    dataset = open_dataset(str(root))
    info = describe_data(dataset, split_dataset(dataset))
    save(root / "masks" / "plate-04.png", np.zeros((32, 32), np.uint8))
    with pytest.raises(DatasetError, match="have changed since"):
        open_part(str(root), trained_on=info, part="test")


def test_copies_stay_in_the_part_that_was_recorded(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "plates", count=14, size=(32, 32))
    for name in ("images", "masks"):
        turned = np.rot90(load(root / name / "plate-03.png"))
        save(root / name / "plate-11.png", np.ascontiguousarray(turned))
    dataset = open_dataset(str(root))
    info = describe_data(dataset, split_dataset(dataset, seed=1))
    parts = {
        item.name: part
        for part in ("train", "val", "test")
        for item in choose_part(dataset, info, part).dataset.items
    }
    assert len(parts) == 14
    assert parts["plate-03"] == parts["plate-11"]
