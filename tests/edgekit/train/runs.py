"""Tiny training runs for tests: seconds on one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit.data import OpenOptions, open_dataset, split_dataset
from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.recipes import Recipe, get_recipe
from edgekit.train.run_folder import RunFolder, RunRecord


def tiny_recipe(**changes: Any) -> Recipe:
    """Return two epochs on whole images, or what the changes say."""
    recipe = get_recipe("cheapnet", "quick")
    tiny = replace(recipe, epochs=2, milestones=(), crop_px=None, images_per_epoch=None, batch_size=4)
    return replace(tiny, **changes)


def make_trainer(
    out: Path,
    data: Path | str,
    *,
    recipe: Recipe | None = None,
    model: str = "cheapnet-s",
    seed: int = 0,
    reporter: Reporter | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Trainer:
    """Return a trainer on opened data."""
    record = RunRecord(model, recipe or tiny_recipe(), seed, str(data), OpenOptions(), split_seed=seed)
    dataset = open_dataset(record.data)
    return Trainer(
        record,
        dataset,
        split_dataset(dataset, seed=seed),
        RunFolder(out),
        reporter=reporter or Reporter(quiet=True),
        clock=clock,
    )


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a history without what the machine's speed decides."""
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in history]
