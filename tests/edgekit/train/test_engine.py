"""The training engine: what it writes, exact resumption, and how a run fails."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.data import open_dataset, split_dataset
from edgekit.evaluation.evaluate import evaluate_masks
from edgekit.evaluation.predictors import predict_with_network
from edgekit.reporting import Reporter
from edgekit.train import engine
from edgekit.train.run_folder import RunFolder
from edgekit_runtime.errors import CheckpointError, DatasetError, TrainingDiverged, UsageProblem
from tests.edgekit.image_folders import save, write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe, without_seconds


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


def test_a_run_leaves_what_it_promises(image_folder: Path, tmp_path: Path) -> None:
    outcome = make_trainer(tmp_path / "run", image_folder).start()
    files = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*.*")}
    assert files == {
        "run.json",
        "metrics.jsonl",
        "curves.png",
        "best/model.safetensors",
        "best/checkpoint.json",
        "last/model.safetensors",
        "last/checkpoint.json",
        "last/optimiser.safetensors",
        "last/history.json",
    }
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert {"learning_rate", "train_loss", "val_loss", "miou", "macc", "iou", "seconds"} <= lines[0].keys()
    assert outcome.metrics == max(lines, key=lambda line: line["miou"])
    assert outcome.epoch == outcome.metrics["epoch"]
    with Image.open(tmp_path / "run" / "curves.png") as picture:
        assert picture.format == "PNG"


def test_the_checkpoint_says_how_it_came_to_be(image_folder: Path, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, seed=5)
    outcome = trainer.start()
    record, _ = load_checkpoint(tmp_path / "run" / "best")
    assert (record.model, record.provenance) == ("cheapnet-s", "trained")
    assert record.training == {
        "recipe": trainer.recipe.to_dict(),
        "seed": 5,
        "data": str(image_folder),
        "size": [64, 64],
        "epoch": outcome.epoch,
    }
    assert record.data == trainer.data_info
    assert record.data.split.seed == 5
    assert set(record.data.parts) == {"train", "val", "test"}
    assert record.metrics["miou"] == outcome.metrics["miou"]
    assert record.versions.keys() == {"edgekit", "torch", "python"}


def test_normalisation_is_that_of_the_training_part(image_folder: Path, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, seed=2)
    dataset = open_dataset(str(image_folder))
    indices = split_dataset(dataset, seed=2).parts["train"]
    pixels = np.stack([dataset.load(index).image for index in indices]) / 255
    assert trainer.normalisation.mean[0] == pytest.approx(pixels.mean(), abs=5e-7)
    assert trainer.normalisation.std[0] == pytest.approx(pixels.std(), abs=5e-7)


def test_metrics_of_the_best_epoch_are_those_of_its_checkpoint(image_folder: Path, tmp_path: Path) -> None:
    outcome = make_trainer(tmp_path / "run", image_folder).start()
    record, weights = load_checkpoint(tmp_path / "run" / "best")
    dataset = open_dataset(str(image_folder))
    part = split_dataset(dataset).subset(dataset, "val")
    predict = predict_with_network(load_network(record, weights), record.normalisation, multiple=16)
    metrics = evaluate_masks(predict, part, reporter=Reporter(quiet=True))
    # channels_last and contiguous convolutions may sum in another order: a pixel at the threshold may flip.
    assert metrics.miou == pytest.approx(outcome.metrics["miou"], abs=1e-3)


def test_the_best_epoch_by_validation_miou_is_kept_the_first_among_equals(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=4))
    validate = trainer._validate
    scores = iter((0.5, 0.7, 0.7, 0.6))
    monkeypatch.setattr(trainer, "_validate", lambda: (0.1, replace(validate()[1], miou=next(scores))))
    outcome = trainer.start()
    assert (outcome.epoch, outcome.metrics["miou"]) == (2, 0.7)
    assert load_checkpoint(tmp_path / "run" / "best")[0].training["epoch"] == 2
    assert load_checkpoint(tmp_path / "run" / "last")[0].training["epoch"] == 4


def test_the_seed_decides_the_run(image_folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_trainer(tmp_path / name, image_folder, seed=seed, recipe=tiny_recipe(epochs=1)).start()
    first, second, third = (
        (tmp_path / name / "last" / "model.safetensors").read_bytes() for name in ("a", "b", "c")
    )
    assert first == second
    assert first != third


def test_training_leaves_the_global_random_state(image_folder: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_network_learns(image_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=8, learning_rate=0.05, batch_size=2)
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=recipe, model="cheapnet-std-g4")
    outcome = trainer.start()
    losses = [entry["train_loss"] for entry in trainer.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.85 * losses[0]
    # Bright rectangles on dark noise are easy; a mask that is all background has 0.45.
    assert outcome.metrics["miou"] > 0.9


RESUMPTIONS = {
    "between two epochs": lambda: {"reporter": KillingReporter(2)},
    "in the middle of an epoch": lambda: {"clock": KillingClock(6)},
    "in the first epoch": lambda: {"clock": KillingClock(2)},
}


@pytest.mark.parametrize("moment", list(RESUMPTIONS))
# std-g3 has kernels in which channels_last differs from the plain layout that a checkpoint stores.
@pytest.mark.parametrize("model", ["cheapnet-s", "cheapnet-std-g3"])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, model: str
) -> None:
    monkeypatch.setattr(engine, "plot_history", lambda *_arguments, **_options: None)  # most of the time
    recipe = tiny_recipe(epochs=4, milestones=(3,), crop_px=48, images_per_epoch=8)
    options = {"recipe": recipe, "model": model}
    make_trainer(tmp_path / "whole", image_folder, **options).start()
    with pytest.raises(Killed):
        make_trainer(tmp_path / "killed", image_folder, **options, **RESUMPTIONS[moment]()).start()
    make_trainer(tmp_path / "killed", image_folder, **options).resume()
    for part in ("best", "last"):
        for file in ("model.safetensors", "checkpoint.json"):
            assert (tmp_path / "whole" / part / file).read_bytes() == (
                tmp_path / "killed" / part / file
            ).read_bytes(), f"{part}/{file}"
    for file in ("optimiser.safetensors", "history.json"):
        assert (tmp_path / "whole" / "last" / file).read_bytes() == (
            tmp_path / "killed" / "last" / file
        ).read_bytes(), file
    assert (tmp_path / "whole" / "metrics.jsonl").read_bytes() == (
        tmp_path / "killed" / "metrics.jsonl"
    ).read_bytes()


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

    def save_or_die(directory: Path, *arguments: object, **options: object) -> object:
        written.append(directory.name)
        if written.count("last") == 2 and directory.name == "last":
            raise Killed
        return write(directory, *arguments, **options)

    monkeypatch.setattr(engine, "save_checkpoint", save_or_die)
    with pytest.raises(Killed):
        make_trainer(tmp_path / "killed", image_folder, recipe=recipe).start()
    monkeypatch.undo()
    resumed = make_trainer(tmp_path / "killed", image_folder, recipe=recipe)
    resumed.resume()
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    for part in ("best", "last"):
        found, expected = (tmp_path / name / part / "model.safetensors" for name in ("killed", "whole"))
        assert found.read_bytes() == expected.read_bytes()


def test_changed_data_are_not_resumed_on(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    make_trainer(tmp_path / "run", data, recipe=tiny_recipe(epochs=1)).start()
    save(data / "masks" / "plate-03.png", np.zeros((32, 32), np.uint8))
    with pytest.raises(CheckpointError, match="have changed since the run began"):
        make_trainer(tmp_path / "run", data).resume()


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


def test_a_loss_that_is_not_finite_names_epoch_and_batch(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=3))
    calls = 0

    def loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += trainer.network.training
        value = logits.mean() + mask.sum() * 0
        return value * float("nan") if calls == 4 else value

    monkeypatch.setattr(engine, "LOSSES", {"bce": loss})
    names = []
    draw = engine.draw_batches
    monkeypatch.setattr(
        engine,
        "draw_batches",
        lambda *a, **k: (names.append(batch.names) or batch for batch in draw(*a, **k)),
    )
    with pytest.raises(TrainingDiverged, match="became nan in epoch 2") as caught:
        trainer.start()
    assert ", ".join(names[3]) in caught.value.message
    assert "--learning-rate" in caught.value.remedy
    record, _ = load_checkpoint(tmp_path / "run" / "last")
    assert record.training["epoch"] == 1


def test_weights_ruined_by_the_last_step_are_not_saved(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=2))
    validate = trainer._validate
    epochs = iter((1, 2))

    def ruin_and_validate() -> object:
        result = validate()
        if next(epochs) == 2:
            with torch.no_grad():
                trainer.network.encoder1[0].weight[0, 0, 0, 0] = float("inf")
        return result

    monkeypatch.setattr(trainer, "_validate", ruin_and_validate)
    with pytest.raises(TrainingDiverged, match=r"encoder1\.0\.weight .* epoch 2"):
        trainer.start()
    assert load_checkpoint(tmp_path / "run" / "last")[0].training["epoch"] == 1


def test_a_validation_loss_that_is_not_finite_is_told(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder)
    validate = trainer._validate
    monkeypatch.setattr(trainer, "_validate", lambda: (float("nan"), validate()[1]))
    with pytest.raises(TrainingDiverged, match="validation loss became nan in epoch 1"):
        trainer.start()
    assert not (tmp_path / "run" / "last").exists()


def test_sizes_that_the_network_cannot_halve_are_refused(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(40, 48))
    with pytest.raises(DatasetError, match=r"40×48 .*multiples of 16"):
        make_trainer(tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_a_run_on_generated_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.data.synthetic_dagm import SyntheticDagm

    monkeypatch.setattr("edgekit.data.synthetic_dagm.DEFECTIVE", {6: 10})
    monkeypatch.setattr(
        "tests.edgekit.train.runs.open_dataset", lambda _text: SyntheticDagm((6,), size=(64, 64))
    )
    trainer = make_trainer(tmp_path / "run", "synthetic:dagm/6", recipe=tiny_recipe(epochs=1))
    trainer.start()
    assert RunFolder(tmp_path / "run").read() == replace(trainer.record)
