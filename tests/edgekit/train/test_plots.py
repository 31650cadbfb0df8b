"""The picture of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.train.plots import find_borders, plot_history
from edgekit_runtime.errors import IoFault

ENTRY = {"epoch": 1, "train_loss": 0.7, "val_loss": 0.6, "miou": 0.4, "macc": None}


def test_a_history_becomes_a_png(tmp_path: Path) -> None:
    plot_history([ENTRY, {**ENTRY, "epoch": 2, "macc": 0.5}], tmp_path / "curves.png", title="run")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG"
        assert picture.size[0] > 600
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_a_run_of_one_epoch_shows_its_figures(tmp_path: Path) -> None:
    """A line through one point draws nothing; the legend has the same colours in both pictures."""
    plot_history([{**ENTRY, "macc": 0.5}], tmp_path / "one.png", title="run")
    plot_history([{**ENTRY, "miou": None, "train_loss": None}], tmp_path / "none.png", title="run")
    assert count_blue(tmp_path / "one.png") > 1.2 * count_blue(tmp_path / "none.png")


def count_blue(path: Path) -> int:
    with Image.open(path) as picture:
        red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(int), 2, 0)
    return int((blue - red > 80).sum())


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(IoFault, match=r"curves\.png"):
        plot_history([ENTRY], tmp_path / "nowhere" / "curves.png", title="run")


def test_the_border_of_two_phases_lies_between_their_epochs() -> None:
    phases = ("a", "a", "b", "b", "b")
    history = [{**ENTRY, "epoch": epoch, "phase": phase} for epoch, phase in enumerate(phases, 1)]
    assert find_borders(history) == [2.5]
    assert find_borders([ENTRY, {**ENTRY, "epoch": 2}]) == []


def test_exits_and_a_border_are_drawn(tmp_path: Path) -> None:
    """Each exit is a line of its own, and the border a dashed one: the picture has more in it than without."""
    history = [{**ENTRY, "epoch": epoch, "miou": 0.5, "macc": 0.5} for epoch in (1, 2)]
    plot_history(history, tmp_path / "plain.png", title="run")
    exits = [
        {**entry, "phase": name, "exits": [{"miou": value * index} for value in (0.2, 0.3, 0.4)]}
        for index, (entry, name) in enumerate(zip(history, ("a", "b"), strict=True), 1)
    ]
    plot_history(exits, tmp_path / "exits.png", title="run")
    plain, drawn = (count_ink(tmp_path / f"{name}.png") for name in ("plain", "exits"))
    assert drawn > 1.1 * plain


def count_ink(path: Path) -> int:
    with Image.open(path) as picture:
        return int((np.asarray(picture.convert("L")) < 200).sum())
