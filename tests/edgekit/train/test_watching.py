"""What a person sees of each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.reporting import Reporter
from edgekit.train import watching
from edgekit.train.run_folder import RunFolder
from edgekit.train.watching import Watcher


class Listener(Reporter):
    """Keeps every line."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def make_entry(epoch: int, **changes: Any) -> dict[str, Any]:
    return {"epoch": epoch, "train_loss": 0.5, "val_loss": 0.4, "miou": 0.25, "macc": None, **changes}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the watcher's parts were called."""
    calls: list[str] = []
    monkeypatch.setattr(watching, "plot_history", lambda *_a, **_k: calls.append("curves"))
    monkeypatch.setattr(watching, "write_events", lambda *_a, **_k: calls.append("events"))
    return calls


def watch(folder: Path, listener: Listener, called: list[str], **changes: Any) -> Watcher:
    options: dict[str, Any] = {
        "title": "t",
        "epochs": 40,
        "scores": ("miou", "macc"),
        "draw": lambda path: called.append(path.name),
        "tensorboard": False,
        "reporter": listener,
        **changes,
    }
    return Watcher(RunFolder(folder), **options)


def test_a_line_per_epoch(tmp_path: Path, called: list[str]) -> None:
    listener = Listener()
    watcher = watch(tmp_path, listener, called)
    watcher.show([make_entry(1)], better=True)
    watcher.show([make_entry(1), make_entry(2, miou=0.2, macc=0.5)], better=False)
    assert listener.lines == [
        "epoch 1/40: loss 0.5000, validation mIoU 0.2500, mAcc – (best)",
        "epoch 2/40: loss 0.5000, validation mIoU 0.2000, mAcc 0.5000",
    ]


def test_the_line_names_the_phase_and_each_exit(tmp_path: Path, called: list[str]) -> None:
    listener = Listener()
    exits = [{"macc": 0.5, "accuracy": 0.75}, {"macc": None, "accuracy": 1.0}]
    entry = make_entry(7, phase="early", macc=0.5, accuracy=0.875, exits=exits)
    watch(tmp_path, listener, called, scores=("macc", "accuracy"), draw=None).show([entry], better=True)
    assert listener.lines == [
        "epoch 7/40, early: loss 0.5000, validation mAcc 0.5000, accuracy 0.8750; mAcc of each exit 0.5000, – (best)"
    ]


def test_curves_each_epoch_and_samples_at_some(tmp_path: Path, called: list[str]) -> None:
    watcher = watch(tmp_path, Listener(), called)
    history = [make_entry(epoch) for epoch in range(1, 41)]
    for epoch in range(1, 41):
        watcher.show(history[:epoch], better=False)
    assert called.count("curves") == 40
    drawn = [name for name in called if name.startswith("epoch-")]
    assert drawn == [f"epoch-{epoch:03}.png" for epoch in (1, 5, 10, 15, 20, 25, 30, 35, 40)]
    assert "events" not in called


def test_tensorboard_only_where_asked_and_no_samples_where_the_task_has_none(
    tmp_path: Path, called: list[str]
) -> None:
    watch(tmp_path, Listener(), called, tensorboard=True, draw=None).show([make_entry(1)], better=True)
    assert called == ["curves", "events"]
