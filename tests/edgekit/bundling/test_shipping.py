"""Making the shipped weights anew: real images never get in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.bundling.shipping import refresh, ship_checkpoint
from edgekit.checkpoints import load_checkpoint, save_checkpoint
from edgekit_runtime.errors import CheckpointError, UsageProblem


def retell(folder: Path, data: str | None, **training: str) -> None:
    """Make the checkpoint one of a run on some data."""
    for name in ("run.json", "metrics.jsonl"):
        (folder.parent / name).write_text(name)
    record, weights = load_checkpoint(folder)
    told = None if data is None else {"data": data, "init": None, "teacher": None, **training}
    save_checkpoint(folder, replace(record, training=told), weights)


@pytest.mark.parametrize("data", ["/home/me/plates", "dagm2007", None, "./synthetic:dagm"])
def test_weights_from_real_images_do_not_ship(
    checkpoint_folder: Path, tmp_path: Path, data: str | None
) -> None:
    retell(checkpoint_folder, data)
    target = tmp_path / "shipped"
    target.mkdir()
    with pytest.raises(CheckpointError, match="generated images"):
        ship_checkpoint(checkpoint_folder, target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("source", ["init", "teacher"])
def test_weights_that_know_other_weights_do_not_ship(
    checkpoint_folder: Path, tmp_path: Path, source: str
) -> None:
    retell(checkpoint_folder, "synthetic:dagm/6", **{source: "0" * 64})
    with pytest.raises(CheckpointError, match="other weights"):
        ship_checkpoint(checkpoint_folder, tmp_path)
    assert not (tmp_path / "cheapnet-s").exists()


def test_weights_from_generated_images_ship_as_demo_weights(checkpoint_folder: Path, tmp_path: Path) -> None:
    retell(checkpoint_folder, "synthetic:dagm/6")
    target = tmp_path / "shipped"
    target.mkdir()
    assert ship_checkpoint(checkpoint_folder, target) == "cheapnet-s"
    record, _ = load_checkpoint(target / "cheapnet-s")
    assert record.provenance == "demo"
    # How it was trained ships beside it.
    assert (target / "cheapnet-s" / "metrics.jsonl").read_text() == "metrics.jsonl"
    assert (target / "cheapnet-s" / "run.json").read_text() == "run.json"


def test_nothing_named_nothing_done() -> None:
    with pytest.raises(UsageProblem):
        refresh([])
