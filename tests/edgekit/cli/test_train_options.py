"""What `edgekit train` makes of its options: every one reaches the record that decides the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.checkpoints import load_checkpoint
from edgekit.train.run_folder import RunFolder, RunRecord
from tests.edgekit.conftest import RunCli

QUICK = ("--model", "cheapnet-s", "--recipe", "quick", "--epochs", "1", "--quiet")


def read_record(run: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((run / "run.json").read_text())
    return data


@pytest.fixture
def records_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """`edgekit train` writes run.json and trains nothing."""
    from edgekit.cli import train
    from edgekit.train.engine import TrainingOutcome

    def write(folder: RunFolder, record: RunRecord, **_options: object) -> TrainingOutcome:
        folder.make()
        folder.write_record(record)
        return TrainingOutcome(1, {"miou": 0.5}, "miou", folder)

    monkeypatch.setattr(train, "_run", write)


CHOICES: dict[str, tuple[tuple[str, ...], tuple[str, ...], object]] = {
    # option → what is typed, where it is in run.json, what stands there
    "epochs": (("--epochs", "16"), ("recipe", "epochs"), 16),
    "milestones": (("--epochs", "16"), ("recipe", "course", "milestones"), [10, 14]),
    "batch_size": (("--batch-size", "7"), ("recipe", "batch_size"), 7),
    "learning_rate": (("--learning-rate", "0.125"), ("recipe", "optimiser", "learning_rate"), 0.125),
    "optimiser": (("--optimiser", "adamw"), ("recipe", "optimiser", "name"), "adamw"),
    "course": (("--course", "one-cycle"), ("recipe", "course", "name"), "one-cycle"),
    "loss": (("--loss", "tversky"), ("recipe", "objective", "name"), "tversky"),
    "momentum": (("--optimiser", "sgd", "--momentum", "0.8"), ("recipe", "optimiser", "momentum"), 0.8),
    "weight_decay": (("--weight-decay", "0.001"), ("recipe", "optimiser", "weight_decay"), 0.001),
    "positive_weight": (("--positive-weight", "3.5"), ("recipe", "objective", "positive_weight"), 3.5),
    "class_weights": (("--class-weights", "balanced"), ("recipe", "objective", "class_weights"), "balanced"),
    "augmentation": (
        ("--augment", "rot90", "--augment", "light"),
        ("recipe", "augmentation"),
        ["rot90", "light"],
    ),
    "images_per_epoch": (("--images-per-epoch", "9"), ("recipe", "sampling", "images_per_epoch"), 9),
    "defective_share": (("--defective-share", "0"), ("recipe", "sampling", "defective_share"), 0.0),
    "crop_px": (("--crop", "33"), ("recipe", "sampling", "crop_px"), 33),
    "crop_on_defect": (("--crop-on-defect", "0.75"), ("recipe", "sampling", "crop_on_defect"), 0.75),
    "average_decay": (("--average", "0.95"), ("recipe", "average_decay"), 0.95),
    "autocast": (("--autocast", "bfloat16"), ("recipe", "autocast"), "bfloat16"),
    "patience": (("--patience", "4"), ("recipe", "patience"), 4),
    "schedule": (("--recipe", "paper"), ("recipe", "schedule"), "paper"),
    "seed": (("--seed", "11"), ("seed",), 11),
    "split by the seed": (("--seed", "11"), ("split", "seed"), 11),
    "split_seed": (("--seed", "11", "--split-seed", "5"), ("split", "seed"), 5),
    "folds": (("--folds", "5", "--fold", "2"), ("split",), {"seed": 0, "folds": 5, "fold": 2}),
    "shards": (("--shards", "2"), ("shards",), 2),
    "include_normal": (("--include-normal",), ("options", "include_normal"), True),
    "defective only": (("--defective-only",), ("options", "include_normal"), False),
    "boxes_as_masks": (("--boxes-as-masks",), ("options", "boxes_as_masks"), True),
}


@pytest.mark.parametrize("case", list(CHOICES))
def test_every_option_reaches_the_record(
    run_cli: RunCli, tmp_path: Path, records_only: None, case: str
) -> None:
    words, place, expected = CHOICES[case]
    run = tmp_path / "run"
    assert (
        run_cli(
            "train", "--model", "cheapnet-s", "--recipe", "quick", "--data", "x", "--out", run, *words
        ).code
        == 0
    )
    found: Any = read_record(run)
    for key in place:
        found = found[key]
    assert found == expected


def test_no_option_of_the_recipe_is_left_out_above() -> None:
    from edgekit.cli.train_options import PLACES

    assert set(PLACES) <= set(CHOICES)


# Exits and phases

LEVEL = {"normal": [1.0, 1.0, 1.0, 0.0], "defective": [1.0, 1.0, 1.0, 0.0]}


@pytest.fixture
def dinet(run_cli: RunCli, tmp_path: Path, records_only: None) -> Callable[..., dict[str, Any]]:
    """Return the recipe that `edgekit train --model dinet` with some words makes."""

    def make(*words: object) -> dict[str, Any]:
        run = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        result = run_cli(
            "train", "--model", "dinet", "--recipe", "paper", "--data", "x", "--out", run, *words
        )
        assert result.code == 0, result.err
        recipe: dict[str, Any] = read_record(run)["recipe"]
        return recipe

    return make


def test_dinet_trains_in_two_phases_and_on_demand_in_one(dinet: Callable[..., dict[str, Any]]) -> None:
    own, once = dinet(), dinet("--end-to-end")
    assert [phase["trains"] for phase in own["phases"]] == ["final", "early"]
    assert once["phases"] == []
    assert once["objective"] == own["objective"]
    assert once["objective"]["exits"]["normal"] == [1.0, 1.0, 0.5, 0.25]
    assert once["source"].endswith("Changed by hand: end_to_end.")


def test_plain_exit_weights(dinet: Callable[..., dict[str, Any]]) -> None:
    plain = dinet("--exit-weights", "plain")
    assert plain["phases"][1]["objective"]["exits"] == LEVEL
    assert plain["phases"][0]["objective"] == dinet()["phases"][0]["objective"]
    ones = [1.0, 1.0, 1.0, 1.0]
    assert dinet("--end-to-end", "--exit-weights", "plain")["objective"]["exits"] == {
        "normal": ones,
        "defective": ones,
    }
    weighted = dinet("--exit-weights", "weighted")
    assert weighted["phases"] == dinet()["phases"]


def test_what_is_typed_acts_on_every_phase(dinet: Callable[..., dict[str, Any]]) -> None:
    from edgekit.train.recipe import Recipe, plan_phases

    words = ("--epochs", 3, "--learning-rate", 0.25, "--class-weights", "balanced", "--course", "cosine")
    planned = plan_phases(Recipe.from_dict(dinet(*words)))
    assert len(planned) == 2
    for one in planned:
        assert (one.epochs, one.optimiser.learning_rate, one.course.name) == (3, 0.25, "cosine")
        assert one.objective.class_weights == "balanced"
    assert planned[0].objective.exits != planned[1].objective.exits


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--end-to-end",), "everything in one phase already"),
        (("--exit-weights", "plain"), "weighs no exits"),
        (("--exit-weights", "weighted"), "weighs no exits"),
    ],
)
@pytest.mark.parametrize("model", ["resnet50", "cheapnet-s"])
def test_models_without_exits_take_no_options_of_exits(
    run_cli: RunCli, tmp_path: Path, model: str, words: tuple[str, ...], said: str
) -> None:
    arguments = ("train", "--model", model, "--data", "x", "--out", tmp_path / "run", *words)
    run_cli(*arguments).refused(2, said, words[0], "dinet")
    assert not (tmp_path / "run").exists()


def test_no_augmentation_and_unknown_ones(run_cli: RunCli, tmp_path: Path, records_only: None) -> None:
    # unet-32's own recipe turns and mirrors.
    begin = ("train", "--model", "unet-32", "--data", "x", "--out")
    assert run_cli(*begin, tmp_path / "own").code == 0
    assert read_record(tmp_path / "own")["recipe"]["augmentation"] == ["rot90", "flip"]
    assert run_cli(*begin, tmp_path / "none", "--augment", "none").code == 0
    assert read_record(tmp_path / "none")["recipe"]["augmentation"] == []
    run_cli(*begin, tmp_path / "blur", "--augment", "blur").refused(2, "'blur'", "rot90, flip, flips, light")
    run_cli(*begin, tmp_path / "both", "--augment", "none", "--augment", "flip").refused(2, "'none'")


def test_a_teacher_and_what_is_learnt_from_it(
    run_cli: RunCli, tmp_path: Path, checkpoint_folder: Path, records_only: None
) -> None:
    begin = ("train", "--model", "cheapnet-s", "--data", "x", "--teacher", checkpoint_folder, "--out")
    digest = load_checkpoint(checkpoint_folder)[0].weights_sha256
    assert run_cli(*begin, tmp_path / "a").code == 0
    data = read_record(tmp_path / "a")
    assert data["teacher"] == {"path": str(checkpoint_folder), "weights_sha256": digest}
    # What --help promises.
    assert data["recipe"]["distillation"] == {"logit_weight": 0.5, "feature_weight": 0.0, "temperature": 2.0}
    words = ("--distil-logits", 0, "--distil-features", 3, "--temperature", 5)
    assert run_cli(*begin, tmp_path / "b", *words).code == 0
    assert read_record(tmp_path / "b")["recipe"]["distillation"] == {
        "logit_weight": 0.0,
        "feature_weight": 3.0,
        "temperature": 5.0,
    }


def test_weights_to_begin_with_are_recorded(
    run_cli: RunCli, tmp_path: Path, checkpoint_folder: Path, records_only: None
) -> None:
    begin = ("train", "--model", "cheapnet-s", "--data", "x", "--out", tmp_path / "run")
    assert run_cli(*begin, "--init", checkpoint_folder).code == 0
    assert read_record(tmp_path / "run")["init"]["path"] == str(checkpoint_folder)


@pytest.mark.parametrize(
    "words", [("--distil-logits", "0.5"), ("--distil-features", "1"), ("--temperature", "3")]
)
def test_options_of_distillation_need_a_teacher(
    run_cli: RunCli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    arguments = ("train", *QUICK, "--data", "x", "--out", tmp_path / "run", *words)
    run_cli(*arguments).refused(2, "need a teacher", "--teacher")


@pytest.mark.parametrize("option", ["--teacher", "--init"])
def test_a_checkpoint_that_is_not_there_is_told(run_cli: RunCli, tmp_path: Path, option: str) -> None:
    arguments = ("train", *QUICK, "--data", "x", "--out", tmp_path / "run", option, tmp_path / "nowhere")
    run_cli(*arguments).refused(8, "is no checkpoint")


def test_a_changed_recipe_says_what_was_changed(run_cli: RunCli, tmp_path: Path, records_only: None) -> None:
    begin = ("train", "--model", "cheapnet-s", "--data", "x", "--out")
    assert run_cli(*begin, tmp_path / "own").code == 0
    assert run_cli(*begin, tmp_path / "mine", "--crop", 64, "--epochs", 3).code == 0
    own, mine = (read_record(tmp_path / name)["recipe"]["source"] for name in ("own", "mine"))
    assert mine == f"{own} Changed by hand: crop_px, epochs."
