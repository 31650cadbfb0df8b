"""A run's data: opened, seen as the network learns them, split, and described."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions
from edgekit.data.splitting.splits import split_again
from edgekit.data.views import MERGED
from edgekit.train.recipes import get_recipe
from edgekit.train.run_data import describe_data, open_run_data
from edgekit.train.run_folder import RunRecord, SplitChoice
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.image_folders import save, write_image_folder


def make_record(data: Path, *, split: SplitChoice = SplitChoice(0), model: str = "cheapnet-s") -> RunRecord:  # noqa: B008
    return RunRecord(model, get_recipe("cheapnet", "quick"), 0, str(data), OpenOptions(), split)


def test_the_split_is_by_fractions_or_one_of_the_folds(image_folder: Path) -> None:
    dataset, split = open_run_data(make_record(image_folder, split=SplitChoice(5)))
    assert dataset.classes == MERGED
    assert (split.seed, split.folds, split.fold) == (5, None, None)
    folds = [open_run_data(make_record(image_folder, split=SplitChoice(5, 4, fold)))[1] for fold in range(4)]
    assert [(split.folds, split.fold) for split in folds] == [(4, fold) for fold in range(4)]
    tested = [index for split in folds for index in split.parts["test"]]
    assert sorted(tested) == list(range(12))


@pytest.mark.parametrize("choice", [SplitChoice(5), SplitChoice(5, 4, 1)])
def test_the_record_of_the_data_leads_back_to_the_same_parts(image_folder: Path, choice: SplitChoice) -> None:
    dataset, split = open_run_data(make_record(image_folder, split=choice))
    info = describe_data(dataset, split).split
    assert info is not None
    again = split_again(dataset, info)
    assert again.parts == split.parts
    assert again.info(dataset) == info


def test_the_description_changes_with_the_split_and_the_options(image_folder: Path) -> None:
    dataset, split = open_run_data(make_record(image_folder))
    _, other = open_run_data(make_record(image_folder, split=SplitChoice(1)))
    described = describe_data(dataset, split)
    assert set(described.parts) == {"train", "val", "test"}
    assert described.fingerprint == dataset.fingerprint()
    assert describe_data(dataset, other).parts != described.parts
    assert describe_data(dataset, split, OpenOptions(False)) != described


def test_folds_that_cannot_be_are_refused(image_folder: Path) -> None:
    with pytest.raises(UsageProblem, match="got 7 of 4"):
        open_run_data(make_record(image_folder, split=SplitChoice(0, 4, 7)))


def test_a_part_that_would_be_empty_is_named(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "few", count=2, size=(16, 16))
    with pytest.raises(DatasetError, match=r"part of .* would be empty"):
        open_run_data(make_record(data))


def test_a_classifier_sees_the_classes_of_its_folders(tmp_path: Path) -> None:
    for name, grey in (("good", 50), ("hole", 150)):
        (tmp_path / name).mkdir()
        for index in range(10):
            save(tmp_path / name / f"{index}.png", np.full((8, 8), grey + index, np.uint8))
    dataset, split = open_run_data(make_record(tmp_path, model="shufflenet-v2-0.5"))
    assert (dataset.labels, dataset.normal_label) == (("good", "hole"), "good")
    assert {dataset.items[index].label for index in split.parts["val"]} == {0, 1}


def test_a_network_that_needs_masks_refuses_classes(tmp_path: Path) -> None:
    for name in ("good", "hole"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "1.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match="no pixel masks"):
        open_run_data(make_record(tmp_path))
