"""The picture of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.train.plots import plot_history
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
