"""Figures for TensorBoard, read back; skipped where the package is absent."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.tensorboard import write_events
from edgekit_runtime.errors import IoFault, MissingDependency
from tests.edgekit.train.runs import make_trainer, tiny_recipe

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed"
)


def make_entry(epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "train_loss": 1 / epoch,
        "miou": 0.1 * epoch,
        "macc": None,
        "iou": {"defect": 0.5},
    }


def read_events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) of each tag, as TensorBoard itself loads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other libraries
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        loaded = EventAccumulator(str(folder)).Reload()
        return {
            tag: [(event.step, event.value) for event in loaded.Scalars(tag)]
            for tag in loaded.Tags()["scalars"]
        }


@needs_tensorboard
def test_every_number_of_every_epoch_comes_back_at_its_step(tmp_path: Path) -> None:
    # More than nine: writers of one second are told apart by a counter, whose 10 sorts before its 9.
    history = [make_entry(epoch) for epoch in range(1, 13)]
    for epoch in range(1, 13):
        write_events(tmp_path, history[:epoch])
    found = read_events(tmp_path)
    assert found.keys() == {"train_loss", "miou"}
    for tag, events in found.items():
        assert sorted(events) == [(entry["epoch"], pytest.approx(entry[tag], rel=1e-6)) for entry in history]


@needs_tensorboard
def test_the_numbers_of_each_exit_come_back(tmp_path: Path) -> None:
    exits = [{"macc": 0.25, "recall": {"good": 1.0}}, {"macc": 0.75, "recall": {"good": None}}]
    write_events(tmp_path, [{"epoch": 1, "phase": "early", "macc": 0.5, "exits": exits}])
    assert read_events(tmp_path) == {
        "macc": [(1, 0.5)],
        "exit1/macc": [(1, 0.25)],
        "exit2/macc": [(1, 0.75)],
    }


@needs_tensorboard
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    with pytest.raises(IoFault, match="tensorboard cannot be written"):
        write_events(tmp_path / "tensorboard", [make_entry(1)])


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingDependency) as caught:
        write_events(tmp_path, [make_entry(1)])
    assert caught.value.exit_code == 6
    assert "edgekit[tensorboard]" in caught.value.remedy


class _Stop(BaseException):
    pass


class _StoppingReporter(Reporter):
    """Ends the run after its second epoch."""

    def note(self, text: str) -> None:
        if text.startswith("epoch 2/"):
            raise _Stop


@needs_tensorboard
def test_a_resumed_run_shows_every_epoch_once(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    def make(reporter: Reporter) -> Trainer:
        trainer = make_trainer(
            tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=4), reporter=reporter
        )
        trainer.watcher = trainer._make_watcher(tensorboard=True)
        return trainer

    with pytest.raises(_Stop):
        make(_StoppingReporter(quiet=True)).start()
    trainer = make(Reporter(quiet=True))
    trainer.resume()
    found = read_events(tmp_path / "run" / "tensorboard")
    assert {"train_loss", "val_loss", "miou", "learning_rate"} <= found.keys()
    expected = [(entry["epoch"], pytest.approx(entry["train_loss"], rel=1e-6)) for entry in trainer.history]
    assert sorted(found["train_loss"]) == expected
