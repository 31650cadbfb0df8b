"""Which images are defective, for a classifier's bundle: by class, by flag, or by mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.choosing.images import open_images
from edgekit.choosing.known_images import know_images
from edgekit.choosing.labelled import tell_defective
from edgekit.data import OpenOptions
from edgekit.data.contract import Sample
from edgekit.data.opening import open_dataset
from edgekit.data.splitting.splits import split_dataset
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Manifest
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.choosing.tuning import describe_training
from tests.edgekit.evaluation.building import InMemory
from tests.edgekit.image_folders import draw_plate, save


def make(flags: Sequence[bool | None], *, labels: tuple[str, ...] = (), masked: bool = False) -> InMemory:
    image = np.zeros((4, 4), np.uint8)
    samples = [
        Sample(f"image-{index}", image, np.full_like(image, index % 2) if masked else None)
        for index in range(len(flags))
    ]
    return InMemory(
        samples,
        classes=("background", "defect") if masked else (),
        defective=flags,
        labels=labels,
        label_of=[index % len(labels) for index in range(len(flags))] if labels else None,
    )


def test_the_networks_own_normal_class_decides() -> None:
    # A folder called "intact" is no name for good parts that a layout knows.
    dataset = tell_defective(make([True] * 4, labels=("intact", "scratch")), "intact")
    assert [item.defective for item in dataset.items] == [False, True, False, True]


def test_flags_decide_where_the_class_is_not_there() -> None:
    flags = [False, True, False, True]
    for dataset in (make(flags), make(flags, labels=("good", "scratch"))):
        assert [item.defective for item in tell_defective(dataset, "normal").items] == flags


def test_masks_decide_where_nothing_else_does(quiet: Reporter) -> None:
    for labels in ((), ("a", "b")):
        known = know_images(
            tell_defective(make([None] * 4, labels=labels, masked=True), "normal"), reporter=quiet
        )
        assert known.defective.tolist() == [False, True, False, True]


def test_what_tells_nothing_is_refused() -> None:
    with pytest.raises(DatasetError, match="none is 'normal'"):
        tell_defective(make([None] * 2, labels=("good", "ok")), "normal")
    with pytest.raises(DatasetError, match="names no class per image"):
        tell_defective(make([None] * 2), "normal")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for label in ("good", "hole", "stain"):
        (tmp_path / "parts" / label).mkdir(parents=True)
        for index in range(8):
            image = draw_plate(10 * len(label) + index, (64, 64))[0]
            image[0, 0], image[0, 1] = index, len(label)
            save(tmp_path / "parts" / label / f"{index}.png", image)
    return tmp_path / "parts"


def test_the_validation_part_of_a_classifiers_training_is_taken(
    classify_manifest: Manifest, parts: Path, quiet: Reporter
) -> None:
    dataset = open_dataset(str(parts), OpenOptions())
    manifest = replace(classify_manifest, data=describe_training(dataset))
    chosen = open_images(str(parts), manifest, reporter=quiet)
    expected = split_dataset(dataset, seed=0).subset(dataset, "val")
    assert chosen.part == "val"
    assert [item.name for item in chosen.dataset.items] == [item.name for item in expected.items]
    for part in ("train", "all"):
        with pytest.raises(UsageProblem, match="trained on"):
            open_images(str(parts), manifest, part=part, reporter=quiet)
