"""Tiny training runs for tests: seconds on one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit.data import OpenOptions
from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Course, ExitWeights, Objective, Phase, Recipe, Sampling
from edgekit.train.recipes import get_recipe
from edgekit.train.run_data import open_run_data
from edgekit.train.run_folder import RunFolder, RunRecord, SplitChoice


def tiny_recipe(**changes: Any) -> Recipe:
    """Return two epochs on whole images at a constant rate, or what the changes say; `learning_rate` is one of them."""
    recipe = get_recipe("cheapnet", "quick")
    if "learning_rate" in changes:
        changes["optimiser"] = replace(recipe.optimiser, learning_rate=changes.pop("learning_rate"))
    tiny = replace(recipe, epochs=2, course=Course(), sampling=Sampling(), batch_size=4)
    return replace(tiny, **changes)


def phased_recipe(**changes: Any) -> Recipe:
    """Return two phases of two epochs that train `small-exits`: the last exit, then the others."""
    two = {
        "final": ExitWeights((0.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
        "early": ExitWeights((1.0, 0.5, 0.0), (0.5, 1.0, 0.0)),
    }
    phases = tuple(Phase(name, name, objective=Objective("ce", exits=exits)) for name, exits in two.items())
    every = Objective("ce", exits=ExitWeights((1.0, 0.5, 0.25), (0.25, 0.5, 1.0)))
    return tiny_recipe(
        **{"objective": every, "phases": phases, "learning_rate": 0.02, "batch_size": 8, **changes}
    )


def make_trainer(
    out: Path,
    data: Path | str,
    *,
    recipe: Recipe | None = None,
    model: str = "cheapnet-s",
    seed: int = 0,
    reporter: Reporter | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    **changes: Any,
) -> Trainer:
    """Return a trainer on opened data; `changes` are fields of the record."""
    record = RunRecord(model, recipe or tiny_recipe(), seed, str(data), OpenOptions(), SplitChoice(seed))
    record = replace(record, **changes)
    dataset, split = open_run_data(record)
    return Trainer(
        record,
        dataset,
        split,
        RunFolder(out),
        reporter=reporter or Reporter(quiet=True),
        clock=clock,
    )


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a history without what the machine's speed decides."""
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in history]
