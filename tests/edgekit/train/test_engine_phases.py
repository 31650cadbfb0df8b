"""Trainings in phases: what each changes, what it leaves, and what is kept at the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.phase_training import PhaseTraining
from edgekit.train.recipe import Distillation, Optimiser
from edgekit.train.recipes import get_recipe
from edgekit.train.starting_points import refer_to
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.train.runs import make_trainer, phased_recipe
from tests.edgekit.train.small_networks import SMALL_EXITS, register_small

pytestmark = pytest.mark.usefixtures("no_pictures")

IMAGES = torch.randn(5, 1, 24, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    return register_small(monkeypatch, SMALL_EXITS)


class Looking(Reporter):
    """Keeps the lines, and what RUN/best is after each epoch."""

    def __init__(self, run: Path) -> None:
        super().__init__(quiet=True)
        self.run = run
        self.lines: list[str] = []
        self.best: list[dict[str, torch.Tensor]] = []

    def note(self, text: str) -> None:
        self.lines.append(text)
        if text.startswith("epoch "):
            self.best.append(load_checkpoint(self.run / "best")[1])


def start(run: Path, data: Path, model: str, **changes: Any) -> tuple[Trainer, Looking]:
    looking = Looking(run)
    trainer = make_trainer(run, data, model=model, reporter=looking, recipe=phased_recipe(**changes))
    trainer.start()
    return trainer, looking


def answer(weights: dict[str, torch.Tensor], run: Path) -> tuple[torch.Tensor, ...]:
    """What a network with these weights answers where it is deployed."""
    record, _ = load_checkpoint(run / "best")
    with torch.no_grad():
        answers: tuple[torch.Tensor, ...] = load_network(record, weights)(IMAGES)
    return answers


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"average_decay": 0.9},
        {"optimiser": Optimiser("sgd", 0.05, momentum=0.9, weight_decay=0.1)},
        {"optimiser": Optimiser("adamw", 0.01, weight_decay=0.5), "autocast": "bfloat16"},
    ],
    ids=["adam", "average", "sgd with decay", "adamw in 16 bits"],
)
def test_the_second_phase_leaves_the_last_exit_bit_for_bit(
    class_folders: Path, tmp_path: Path, small: str, changes: dict[str, Any]
) -> None:
    _, looking = start(tmp_path / "run", class_folders, small, **changes)
    first, last = looking.best[1], looking.best[3]
    frozen = SMALL_EXITS.parts["final"]
    assert any("running_var" in name for name in first if name.startswith(frozen))
    for name in first:
        assert torch.equal(first[name], last[name]) == name.startswith(frozen), name
    before, after = answer(first, tmp_path / "run"), answer(last, tmp_path / "run")
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_the_first_phase_leaves_the_early_exits(class_folders: Path, tmp_path: Path, small: str) -> None:
    trainer = make_trainer(tmp_path / "run", class_folders, model=small, recipe=phased_recipe(epochs=1))
    fresh = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    looking = Looking(tmp_path / "run")
    trainer.watcher._reporter = looking
    trainer.start()
    for name, tensor in looking.best[0].items():
        assert torch.equal(tensor, fresh[name]) == name.startswith(SMALL_EXITS.parts["early"]), name


def test_entries_name_their_phase_and_each_phase_runs_its_own_course(
    class_folders: Path, tmp_path: Path, small: str
) -> None:
    recipe = phased_recipe()
    early = replace(recipe.phases[1], epochs=3, optimiser=Optimiser("sgd", 0.5))
    trainer, looking = start(tmp_path / "run", class_folders, small, phases=(recipe.phases[0], early))
    entries = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [(entry["epoch"], entry["phase"]) for entry in entries] == [
        (1, "final"),
        (2, "final"),
        (3, "early"),
        (4, "early"),
        (5, "early"),
    ]
    assert [entry["learning_rate"] for entry in entries] == [0.02, 0.02, 0.5, 0.5, 0.5]
    assert type(trainer.state.optimiser) is torch.optim.SGD
    assert [line[:17] for line in looking.lines if line.startswith("epoch")] == [
        "epoch 1/5, final:",
        "epoch 2/5, final:",
        "epoch 3/5, early:",
        "epoch 4/5, early:",
        "epoch 5/5, early:",
    ]
    for part, epoch in (("last", 5), ("best", entries.index(max(entries[2:], key=lambda e: e["macc"])) + 1)):
        training = load_checkpoint(tmp_path / "run" / part)[0].training
        assert (training["epoch"], training["phase"]) == (epoch, "early")


def give_scores(monkeypatch: pytest.MonkeyPatch, scores: tuple[float, ...]) -> None:
    """Let the validations of a run find these mAcc."""
    validate, left = PhaseTraining.validate, list(scores)

    def find(self: PhaseTraining) -> tuple[float, dict[str, Any]]:
        loss, metrics = validate(self)
        return loss, {**metrics, "macc": left.pop(0)}

    monkeypatch.setattr(PhaseTraining, "validate", find)


def test_a_phase_begins_with_the_best_weights_of_the_one_before(
    class_folders: Path, tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_scores(monkeypatch, (0.5, 0.9, 0.6, 0.2, 0.3, 0.3))
    trainer, looking = start(tmp_path / "run", class_folders, small, epochs=3)
    frozen = SMALL_EXITS.parts["final"]
    second_epoch, end = looking.best[1], trainer.state.network.state_dict()
    assert all(
        torch.equal(end[name], tensor) for name, tensor in second_epoch.items() if name.startswith(frozen)
    )
    # The best of the last phase is kept, the first among equals, though its score is below those of the first phase.
    assert load_checkpoint(tmp_path / "run" / "best")[0].training["epoch"] == 5


def test_patience_ends_a_phase_and_not_the_run(
    class_folders: Path, tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_scores(monkeypatch, (0.5, 0.4, 0.1, 0.2, 0.2))
    trainer, _ = start(tmp_path / "run", class_folders, small, epochs=4, patience=1)
    assert [entry["phase"] for entry in trainer.history] == ["final", "final", "early", "early", "early"]


def test_a_run_of_one_phase_names_none(class_folders: Path, tmp_path: Path, small: str) -> None:
    trainer, looking = start(tmp_path / "run", class_folders, small, phases=())
    assert all("phase" not in entry for entry in trainer.history)
    assert [line[:10] for line in looking.lines if line.startswith("epoch")] == ["epoch 1/2:", "epoch 2/2:"]
    assert all(not torch.equal(looking.best[0][name], looking.best[1][name]) for name in ("stem.0.weight",))


def test_every_exit_learns_in_two_phases(class_folders: Path, tmp_path: Path, small: str) -> None:
    recipe = {"epochs": 12, "learning_rate": 0.02, "augmentation": ("flips",)}
    trainer, _ = start(tmp_path / "run", class_folders, small, **recipe)
    assert trainer.history[0]["macc"] < 0.8
    # Guessing finds a third; the first exit sees 5×5 pixels at most.
    found = [exit_["macc"] for exit_ in trainer.history[-1]["exits"]]
    assert min(found[1:]) > 0.9
    assert found[0] > 0.5


def test_data_without_a_normal_class_are_told_once(
    class_folders: Path, tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (class_folders / "good").rename(class_folders / "dots")
    _, looking = start(tmp_path / "run", class_folders, small)
    assert sum("every image counts as defective" in line for line in looking.lines) == 1


def test_phases_of_a_network_that_has_no_such_parts_are_refused(class_folders: Path, tmp_path: Path) -> None:
    recipe = replace(
        get_recipe("shufflenet", "quick"),
        phases=tuple(replace(p, objective=None) for p in phased_recipe().phases),
    )
    with pytest.raises(UsageProblem, match=r"'final', which shufflenet-v2-0\.5 does not have"):
        make_trainer(tmp_path / "run", class_folders, recipe=recipe, model="shufflenet-v2-0.5")
    assert not (tmp_path / "run").exists()


def test_a_teacher_teaches_every_phase_and_may_have_exits_itself(
    class_folders: Path, tmp_path: Path, small: str
) -> None:
    start(tmp_path / "teacher", class_folders, small)
    teacher = refer_to(tmp_path / "teacher" / "best")
    ends = {}
    for name, choice in (
        ("alone", None),
        ("ignored", Distillation(logit_weight=0.0)),
        ("logits", Distillation(logit_weight=0.5)),
        ("features", Distillation(logit_weight=0.0, feature_weight=5.0)),
    ):
        taught = {} if choice is None else {"teacher": teacher}
        recipe = phased_recipe(epochs=1, distillation=choice)
        make_trainer(tmp_path / name, class_folders, recipe=recipe, model=small, **taught).start()
        ends[name] = load_checkpoint(tmp_path / name / "last")[1]
    for name, tensor in ends["alone"].items():
        assert torch.equal(ends["ignored"][name], tensor), name
    for part, name in (("final", "stem.0.weight"), ("early", "classifiers.1.linear.weight")):
        assert name.startswith(SMALL_EXITS.parts[part])
        assert not torch.equal(ends["logits"][name], ends["alone"][name]), name
    assert not torch.equal(ends["features"]["stem.0.weight"], ends["alone"]["stem.0.weight"])


def test_a_best_that_is_not_of_the_run_is_not_begun_with(
    class_folders: Path, tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", class_folders, recipe=phased_recipe(), model=small)
    take_up = trainer._begin_next_phase

    def spoil() -> None:
        record = tmp_path / "run" / "best" / "checkpoint.json"
        data = json.loads(record.read_text())
        data["training"]["epoch"] = 7
        record.write_text(json.dumps(data))
        take_up()

    monkeypatch.setattr(trainer, "_begin_next_phase", spoil)
    with pytest.raises(CheckpointError, match="not the best epoch of the phase"):
        trainer.start()


@pytest.mark.slow
def test_dinet_itself_keeps_exit_4_bit_for_bit(class_folders: Path, tmp_path: Path) -> None:
    """The test that the issue names, with the recipe that a person types and the network that it is for."""
    recipe = replace(get_recipe("dinet", "quick"), epochs=1)
    looking = Looking(tmp_path / "run")
    make_trainer(tmp_path / "run", class_folders, model="dinet", recipe=recipe, reporter=looking).start()
    first, last = looking.best
    parts = MODELS.get("dinet").parts
    for name in first:
        assert torch.equal(first[name], last[name]) == name.startswith(parts["final"]), name
    record, _ = load_checkpoint(tmp_path / "run" / "best")
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = (load_network(record, weights)(images) for weights in (first, last))
    assert torch.equal(before[3], after[3])
    assert not any(torch.equal(before[exit_], after[exit_]) for exit_ in range(3))
