"""A training in phases that was killed anywhere goes on exactly, at the border of two phases too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.checkpoints import load_checkpoint
from edgekit.train import engine
from edgekit.train.recipe import Course, Optimiser, Recipe
from edgekit_runtime.errors import CheckpointError
from tests.edgekit.train.runs import make_trainer, phased_recipe
from tests.edgekit.train.small_networks import SMALL_EXITS, register_small
from tests.edgekit.train.test_engine_resumption import (
    Killed,
    KillingClock,
    KillingReporter,
    assert_same_end,
    kill_and_resume,
)

pytestmark = pytest.mark.usefixtures("no_pictures")

RECIPE = phased_recipe(
    course=Course("one-cycle"), optimiser=Optimiser("sgd", 0.05, 0.9, 1e-3), augmentation=("flips",)
)
RECIPES: dict[str, Recipe] = {
    "one cycle of sgd": RECIPE,
    "adamw with an average": phased_recipe(
        optimiser=Optimiser("adamw", 0.01, weight_decay=0.1), average_decay=0.9
    ),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    return register_small(monkeypatch, SMALL_EXITS)


def kill_and_go_on(tmp_path: Path, data: Path, model: str, recipe: Recipe, **options: Any) -> None:
    make_trainer(tmp_path / "whole", data, recipe=recipe, model=model).start()
    with pytest.raises(Killed):
        make_trainer(tmp_path / "killed", data, recipe=recipe, model=model, **options).start()
    make_trainer(tmp_path / "killed", data, recipe=recipe, model=model).resume()
    assert_same_end(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("case", list(RECIPES))
@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_after_every_epoch(class_folders: Path, tmp_path: Path, small: str, epoch: int, case: str) -> None:
    kill_and_go_on(tmp_path, class_folders, small, RECIPES[case], reporter=KillingReporter(epoch))


# Each epoch reads the clock at its start and before it is written.
@pytest.mark.parametrize("reading", [4, 5, 6, 7])
def test_in_the_middle_of_every_epoch_around_the_border(
    class_folders: Path, tmp_path: Path, small: str, reading: int
) -> None:
    kill_and_go_on(tmp_path, class_folders, small, RECIPE, clock=KillingClock(reading))


def die_at(number: int, *, written: bool) -> Callable[..., None]:
    """Return a writer of checkpoints that is killed at one of them, before or after it is written."""
    save, calls = engine.save_checkpoint, []

    def save_or_die(directory: Path, *arguments: Any, **options: Any) -> None:
        calls.append(directory.name)
        if len(calls) == number and not written:
            raise Killed
        save(directory, *arguments, **options)
        if len(calls) == number:
            raise Killed

    return save_or_die


@pytest.mark.parametrize("case", list(RECIPES))
def test_at_every_checkpoint_that_is_written(
    class_folders: Path, tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Among them: between RUN/best and RUN/last of the second phase's first epoch, and at the border itself."""

    def make(name: str) -> engine.Trainer:
        return make_trainer(tmp_path / name, class_folders, recipe=RECIPES[case], model=small)

    saved: list[str] = []
    save = engine.save_checkpoint
    with monkeypatch.context() as patched:
        patched.setattr(
            engine, "save_checkpoint", lambda d, *a, **k: (saved.append(d.name), save(d, *a, **k))
        )
        make("whole").start()
    assert saved[:2] == ["best", "last"]
    assert saved.count("last") == 5, "one per epoch, and one where the second phase begins"
    for number in range(1, len(saved) + 1):
        for written in (False, True):
            name = f"killed-{number}-{written}"
            with monkeypatch.context() as patched:
                patched.setattr(engine, "save_checkpoint", die_at(number, written=written))
                with pytest.raises(Killed):
                    make(name).start()
            make(name).resume()
            assert_same_end(tmp_path / "whole", tmp_path / name)


def test_in_shards(class_folders: Path, tmp_path: Path, small: str) -> None:
    kill_and_resume(tmp_path, class_folders, "between two epochs", recipe=RECIPE, model=small, shards=2)


def test_resuming_a_finished_run_changes_nothing(class_folders: Path, tmp_path: Path, small: str) -> None:
    first = make_trainer(tmp_path / "run", class_folders, recipe=RECIPE, model=small).start()
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = make_trainer(tmp_path / "run", class_folders, recipe=RECIPE, model=small).resume()
    assert (again.epoch, again.metrics) == (first.epoch, first.metrics)
    assert {path: path.read_bytes() for path in before} == before


def test_the_start_of_a_phase_is_saved_with_the_weights_that_it_begins_with(
    class_folders: Path, tmp_path: Path, small: str
) -> None:
    with pytest.raises(Killed):
        make_trainer(
            tmp_path / "run", class_folders, recipe=RECIPE, model=small, clock=KillingClock(5)
        ).start()
    (best, weights), (last, beginning) = (
        load_checkpoint(tmp_path / "run" / part) for part in ("best", "last")
    )
    assert (last.training["epoch"], last.training["phase"]) == (2, "early")
    assert last.metrics == best.metrics
    assert all((weights[name] == tensor).all() for name, tensor in beginning.items())


def test_a_checkpoint_of_a_phase_that_the_recipe_does_not_have_is_refused(
    class_folders: Path, tmp_path: Path, small: str
) -> None:
    make_trainer(tmp_path / "run", class_folders, recipe=RECIPE, model=small).start()
    with pytest.raises(
        CheckpointError, match="in the phase 'early', which the recipe of the run does not have"
    ):
        make_trainer(tmp_path / "run", class_folders, recipe=phased_recipe(phases=()), model=small).resume()
