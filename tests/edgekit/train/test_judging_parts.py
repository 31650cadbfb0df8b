"""What is said of validation and test parts that cannot judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import Split, open_dataset
from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.prepared_run import prepare_run
from tests.edgekit.image_folders import save, write_image_folder
from tests.edgekit.train.runs import make_trainer, phased_recipe, tiny_recipe
from tests.edgekit.train.small_networks import SMALL_EXITS, register_small


@pytest.mark.parametrize(("defective", "told"), [(1, True), (20, False)])
def test_a_validation_part_without_a_defect_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], defective: int, told: bool
) -> None:
    # Its mIoU is that of the background alone, and 1 for a network that finds nothing.
    root = write_image_folder(tmp_path / "line", count=20, size=(32, 32))
    for number in range(defective, 20):
        save(root / "masks" / f"plate-{number:02}.png", np.zeros((32, 32), np.uint8))
    trainer = make_trainer(tmp_path / "run", root, recipe=tiny_recipe(epochs=1), reporter=Reporter())
    shown = {trainer.run.dataset.items[index].defective for index in trainer.run.split.parts["val"]}
    assert shown == {not told}
    assert ("of the validation part shows a defect" in capsys.readouterr().err) == told


def move_into_train(trainer: Trainer, labels: set[int], *, out_of: str) -> Split:
    """Return the run's split with the images of some classes moved from a part into the training part."""
    items, parts = trainer.run.dataset.items, dict(trainer.run.split.parts)
    moved = tuple(index for index in parts[out_of] if items[index].label in labels)
    assert moved
    parts[out_of] = tuple(index for index in parts[out_of] if index not in moved)
    return replace(trainer.run.split, parts={**parts, "train": tuple(sorted(parts["train"] + moved))})


@pytest.mark.parametrize(
    ("out_of", "labels", "told"),
    [
        ("val", {1}, "the val part shows no square: the best epoch is chosen without it"),
        ("val", {0}, "the val part shows no good: the best epoch is chosen without it"),
        ("val", {1, 2}, "of the validation part shows a defect"),
        ("test", {2}, "the test part shows no stripes: `edgekit eval` will say nothing of it"),
        ("test", {1, 2}, "the test part shows no square, stripes: `edgekit eval` will say nothing of them"),
    ],
)
def test_a_class_that_a_judging_part_lacks_is_told(
    class_folders: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    out_of: str,
    labels: set[int],
    told: str,
) -> None:
    trainer = make_trainer(
        tmp_path / "run",
        class_folders,
        model=register_small(monkeypatch, SMALL_EXITS),
        recipe=phased_recipe(),
        reporter=Reporter(),
    )
    assert "warning" not in capsys.readouterr().err
    run, split = trainer.run, move_into_train(trainer, labels, out_of=out_of)
    prepare_run(run.record, run.dataset, split, reporter=Reporter())
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert told in line


def test_a_test_part_without_a_defect_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_image_folder(tmp_path / "line", count=20, size=(32, 32))
    trainer = make_trainer(tmp_path / "run", root, recipe=tiny_recipe(epochs=1), reporter=Reporter())
    for index in trainer.run.split.parts["test"]:
        name = trainer.run.dataset.items[index].name
        save(root / "masks" / f"{name}.png", np.zeros((32, 32), np.uint8))
    dataset = open_dataset(str(root))
    capsys.readouterr()
    prepare_run(trainer.run.record, dataset, trainer.run.split, reporter=Reporter())
    assert "the test part shows no defect" in capsys.readouterr().err
