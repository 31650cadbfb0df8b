"""A run that was killed goes on exactly: the same bytes at its end as without the interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.checkpoints import load_checkpoint
from edgekit.reporting import Reporter
from edgekit.train import engine
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Course, Distillation, Optimiser, Recipe, Sampling
from edgekit.train.run_lock import lock_run
from edgekit.train.starting_points import refer_to
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.conftest import make_checkpoint
from tests.edgekit.image_folders import save, write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe, without_seconds

pytestmark = pytest.mark.usefixtures("no_pictures")


class Killed(BaseException):
    """Like a kill: nothing in the engine may catch it."""


class KillingReporter(Reporter):
    """Raises after an epoch was written."""

    def __init__(self, after_epoch: int) -> None:
        super().__init__(quiet=True)
        self.after_epoch = after_epoch

    def note(self, text: str) -> None:
        if text.startswith(f"epoch {self.after_epoch}/"):
            raise Killed


class KillingClock:
    """Raises at a reading: each epoch reads the clock at its start and before it is written."""

    def __init__(self, reading: int) -> None:
        self.left = reading

    def __call__(self) -> float:
        self.left -= 1
        if self.left == 0:
            raise Killed
        return 0.0


MOMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "between two epochs": lambda: {"reporter": KillingReporter(2)},
    "in the middle of an epoch": lambda: {"clock": KillingClock(6)},
    "in the first epoch": lambda: {"clock": KillingClock(2)},
}


def assert_same_end(whole: Path, resumed: Path) -> None:
    """Compare every file that a run is, byte by byte."""
    for folder in ("best", "last"):
        expected = {path.name: path.read_bytes() for path in (whole / folder).iterdir()}
        found = {path.name: path.read_bytes() for path in (resumed / folder).iterdir()}
        assert found.keys() == expected.keys()
        assert [name for name in expected if found[name] != expected[name]] == [], folder
    for file in ("metrics.jsonl", "run.json", "split.json"):
        assert (whole / file).read_bytes() == (resumed / file).read_bytes(), file
    assert {path.name for path in whole.iterdir()} == {path.name for path in resumed.iterdir()}


def kill_and_resume(tmp_path: Path, data: Path, moment: str, **options: Any) -> None:
    make_trainer(tmp_path / "whole", data, **options).start()
    with pytest.raises(Killed):
        make_trainer(tmp_path / "killed", data, **options, **MOMENTS[moment]()).start()
    make_trainer(tmp_path / "killed", data, **options).resume()
    assert_same_end(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("moment", list(MOMENTS))
# std-g3 has kernels in which channels_last differs from the plain layout that a checkpoint stores.
@pytest.mark.parametrize("model", ["cheapnet-s", "cheapnet-std-g3"])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(
    image_folder: Path, tmp_path: Path, moment: str, model: str
) -> None:
    recipe = tiny_recipe(
        epochs=4, course=Course("steps", (3,)), sampling=Sampling(images_per_epoch=8, crop_px=48)
    )
    kill_and_resume(tmp_path, image_folder, moment, recipe=recipe, model=model)


RECIPES: dict[str, Recipe] = {
    "augmentation and crops on defects": tiny_recipe(
        epochs=4,
        augmentation=("rot90", "flip", "light"),
        sampling=Sampling(crop_px=32, crop_on_defect=0.5, defective_share=1.0),
    ),
    "one cycle of sgd": tiny_recipe(
        epochs=4, course=Course("one-cycle"), optimiser=Optimiser("sgd", 0.05, 0.9, 1e-4)
    ),
    "cosine of adamw with an average": tiny_recipe(
        epochs=4,
        course=Course("cosine", warmup_epochs=1),
        optimiser=Optimiser("adamw", 0.01, weight_decay=0.1),
        average_decay=0.9,
    ),
    "patience": tiny_recipe(epochs=4, patience=4),
}


@pytest.mark.parametrize("moment", ["between two epochs", "in the middle of an epoch"])
@pytest.mark.parametrize("case", list(RECIPES))
def test_every_part_of_a_recipe_is_resumed(
    image_folder: Path, tmp_path: Path, case: str, moment: str
) -> None:
    kill_and_resume(tmp_path, image_folder, moment, recipe=RECIPES[case])


def test_a_run_in_shards_is_resumed(image_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=4, batch_size=5)
    kill_and_resume(tmp_path, image_folder, "between two epochs", recipe=recipe, shards=2)


def test_a_taught_run_is_resumed_with_its_teacher_and_refused_with_another(
    image_folder: Path, tmp_path: Path
) -> None:
    teacher = make_checkpoint(tmp_path / "teacher", model="cheapnet-g4", seed=3)
    options = {
        "recipe": tiny_recipe(epochs=4, distillation=Distillation(0.5, feature_weight=1.0)),
        "teacher": refer_to(teacher),
    }
    kill_and_resume(tmp_path, image_folder, "between two epochs", **options)
    make_checkpoint(tmp_path / "teacher", model="cheapnet-g4", seed=4)
    with pytest.raises(CheckpointError, match="no longer the checkpoint that the run was begun with"):
        make_trainer(tmp_path / "killed", image_folder, **options)


def give_scores(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, scores: tuple[float, ...]) -> Trainer:
    """Let the validation of each epoch find a given miou."""
    validate = trainer.validate

    def find() -> tuple[float, dict[str, Any]]:
        loss, metrics = validate()
        return loss, {**metrics, "miou": scores[len(trainer.history)]}

    monkeypatch.setattr(trainer, "validate", find)
    return trainer


@pytest.mark.parametrize("killed_after", [1, 3])
def test_patience_ends_a_run_and_a_resumed_one_at_the_same_epoch(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    scores = (0.5, 0.7, 0.6, 0.7, 0.9, 0.9)
    recipe = tiny_recipe(epochs=6, patience=2)

    def make(name: str, **options: Any) -> Trainer:
        trainer = make_trainer(tmp_path / name, image_folder, recipe=recipe, **options)
        return give_scores(trainer, monkeypatch, scores)

    outcome = make("whole").start()
    assert (outcome.epoch, outcome.metrics["miou"]) == (2, 0.7)
    assert load_checkpoint(tmp_path / "whole" / "last")[0].training["epoch"] == 4
    with pytest.raises(Killed):
        make("killed", reporter=KillingReporter(killed_after)).start()
    make("killed").resume()
    assert_same_end(tmp_path / "whole", tmp_path / "killed")
    # It stopped; resuming it again goes no further.
    assert make("killed").resume().epoch == 2
    assert_same_end(tmp_path / "whole", tmp_path / "killed")


def test_resuming_a_finished_run_changes_nothing(image_folder: Path, tmp_path: Path) -> None:
    first = make_trainer(tmp_path / "run", image_folder).start()
    before = (tmp_path / "run" / "last" / "model.safetensors").read_bytes()
    again = make_trainer(tmp_path / "run", image_folder).resume()
    assert (again.epoch, again.metrics) == (first.epoch, first.metrics)
    assert (tmp_path / "run" / "last" / "model.safetensors").read_bytes() == before


def test_a_kill_between_best_and_last_is_made_good(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(epochs=3)
    whole = make_trainer(tmp_path / "whole", image_folder, recipe=recipe)
    whole.start()
    write = engine.save_checkpoint
    written: list[str] = []

    def save_or_die(directory: Path, *arguments: Any, **options: Any) -> object:
        written.append(directory.name)
        if written.count("last") == 2 and directory.name == "last":
            raise Killed
        return write(directory, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "save_checkpoint", save_or_die)
        with pytest.raises(Killed):
            make_trainer(tmp_path / "killed", image_folder, recipe=recipe).start()
    resumed = make_trainer(tmp_path / "killed", image_folder, recipe=recipe)
    resumed.resume()
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    for part in ("best", "last"):
        found, expected = (tmp_path / name / part / "model.safetensors" for name in ("killed", "whole"))
        assert found.read_bytes() == expected.read_bytes()


def test_a_run_goes_on_without_the_weights_that_it_began_with(image_folder: Path, tmp_path: Path) -> None:
    make_trainer(tmp_path / "first", image_folder, recipe=tiny_recipe(epochs=1)).start()
    start = refer_to(tmp_path / "first" / "last")
    make_trainer(tmp_path / "whole", image_folder, init=start).start()
    with pytest.raises(Killed):
        make_trainer(tmp_path / "killed", image_folder, init=start, reporter=KillingReporter(1)).start()
    shutil.rmtree(tmp_path / "first")
    make_trainer(tmp_path / "killed", image_folder, init=start).resume()
    assert_same_end(tmp_path / "whole", tmp_path / "killed")


# What is not resumed


@pytest.mark.parametrize("spoilt", ["images", "masks"])
def test_changed_data_are_not_resumed_on(tmp_path: Path, spoilt: str) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    make_trainer(tmp_path / "run", data, recipe=tiny_recipe(epochs=1)).start()
    save(data / spoilt / "plate-03.png", np.zeros((32, 32), np.uint8))
    with pytest.raises(CheckpointError, match="have changed since the run began"):
        make_trainer(tmp_path / "run", data).resume()


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_with_the_data_of_now(
    tmp_path: Path,
) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    with pytest.raises(Killed):
        make_trainer(tmp_path / "run", data, clock=KillingClock(2)).start()
    for folder in ("images", "masks"):
        (data / folder / "plate-03.png").rename(data / folder / "renamed.png")
    make_trainer(tmp_path / "run", data, recipe=tiny_recipe(epochs=1)).resume()
    assert '"renamed"' in (tmp_path / "run" / "split.json").read_text()


@pytest.mark.parametrize("file", ["optimiser.safetensors", "history.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_damaged_run_is_not_resumed(image_folder: Path, tmp_path: Path, file: str, damage: str) -> None:
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    path = tmp_path / "run" / "last" / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"[1")
    with pytest.raises(CheckpointError):
        make_trainer(tmp_path / "run", image_folder).resume()


def test_a_history_of_other_epochs_than_the_checkpoint_is_refused(image_folder: Path, tmp_path: Path) -> None:
    make_trainer(tmp_path / "run", image_folder).start()
    path = tmp_path / "run" / "last" / "history.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:1]))
    with pytest.raises(CheckpointError, match="history of 1 epochs that is not its checkpoint's"):
        make_trainer(tmp_path / "run", image_folder).resume()


def test_the_optimiser_of_another_network_is_refused(image_folder: Path, tmp_path: Path) -> None:
    one = tiny_recipe(epochs=1)
    make_trainer(tmp_path / "run", image_folder, recipe=one).start()
    make_trainer(tmp_path / "other", image_folder, recipe=one, model="cheapnet-g4").start()
    name = "last/optimiser.safetensors"
    shutil.copy(tmp_path / "other" / name, tmp_path / "run" / name)
    with pytest.raises(CheckpointError, match="another network"):
        make_trainer(tmp_path / "run", image_folder).resume()


def test_an_existing_folder_is_refused(image_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(UsageProblem, match="not empty"):
        make_trainer(tmp_path / "run", image_folder).start()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_a_folder_in_which_another_process_trains_is_refused(image_folder: Path, tmp_path: Path) -> None:
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with lock_run(tmp_path / "run"), pytest.raises(UsageProblem, match="Another process is training"):
        make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=3)).resume()
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before
    (tmp_path / "new").mkdir()
    with lock_run(tmp_path / "new"), pytest.raises(UsageProblem, match="Another process is training"):
        make_trainer(tmp_path / "new", image_folder).start()
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".lock"]
