"""The images on which an export is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.bundling.samples import COUNT, choose_samples
from edgekit.checkpoints.format import Checkpoint
from edgekit.data import open_dataset, split_dataset
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.train.run_data import describe_data
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.records import make_record

UNKNOWN = make_record("cheapnet-s", provenance="imported")


def trained_on(data: str) -> Checkpoint:
    dataset = open_dataset(data)
    info = describe_data(dataset, split_dataset(dataset))
    return replace(UNKNOWN, training={"data": data}, data=info)


def names(dataset: object) -> set[str]:
    return {item.name for item in dataset.items}


def test_generated_training_data_give_images_of_their_validation_part() -> None:
    record = trained_on("synthetic:dagm/5")
    samples = choose_samples(record, None, (512, 512))
    dataset = SyntheticDagm((5,))
    validation = split_dataset(dataset).subset(dataset, "val")
    assert len(samples) == COUNT
    assert names(samples) < names(validation)


def test_another_size_gives_new_images_of_the_same_class() -> None:
    samples = choose_samples(trained_on("synthetic:dagm/5"), None, (64, 96))
    assert samples.load(0).image.shape == (64, 96)
    assert samples.items[0].name.startswith("Class5/")


def test_unknown_training_data_give_generated_images() -> None:
    samples = choose_samples(UNKNOWN, None, (64, 64))
    assert samples.load(0).image.shape == (64, 64)
    assert len(samples) == COUNT


def test_named_data_come_first(image_folder: Path) -> None:
    samples = choose_samples(trained_on("synthetic:dagm/5"), str(image_folder), (64, 64))
    assert names(samples) < names(open_dataset(str(image_folder)))


def test_named_data_of_another_size_are_refused(image_folder: Path) -> None:
    with pytest.raises(UsageProblem, match="64×64 pixels, the export 512×512") as caught:
        choose_samples(UNKNOWN, str(image_folder), (512, 512))
    assert "--size 64x64" in caught.value.remedy


def test_data_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        choose_samples(UNKNOWN, str(tmp_path / "nowhere"), (512, 512))
