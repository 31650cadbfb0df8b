"""The training engine: what it writes, what decides a run, and that networks learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.data import Dataset, open_dataset, split_dataset
from edgekit.evaluation.evaluate import evaluate_masks
from edgekit.evaluation.predictors import predict_with_network
from edgekit.reporting import Reporter
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Distillation, Objective, Sampling
from edgekit.train.run_folder import RunFolder, SplitChoice
from edgekit.train.starting_points import refer_to
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.image_folders import draw_plate, save, write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe
from tests.edgekit.train.small_networks import register_small


@pytest.fixture
def mixed_sizes(tmp_path: Path) -> Path:
    """Twelve images of four sizes, none of which the network admits as it is."""
    data = write_image_folder(tmp_path / "mixed", count=12, size=(40, 48))
    for index, size in ((1, (33, 70)), (4, (70, 33)), (7, (17, 17)), (8, (33, 70)), (10, (70, 33))):
        image, mask = draw_plate(index, size)
        save(data / "images" / f"plate-{index:02}.png", image)
        save(data / "masks" / f"plate-{index:02}.png", mask)
    return data


def test_a_run_leaves_what_it_promises(image_folder: Path, tmp_path: Path) -> None:
    outcome = make_trainer(tmp_path / "run", image_folder).start()
    files = {
        str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()
    }
    assert files == {
        ".lock",
        "run.json",
        "split.json",
        "metrics.jsonl",
        "curves.png",
        "samples/epoch-001.png",
        "samples/epoch-002.png",
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
    assert (outcome.epoch, outcome.score_name) == (outcome.metrics["epoch"], "miou")
    for picture in ("curves.png", "samples/epoch-002.png"):
        with Image.open(tmp_path / "run" / picture) as opened:
            assert opened.format == "PNG"


def test_the_split_file_names_every_image_once(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1), seed=3)
    trainer.start()
    text = (tmp_path / "run" / "split.json").read_text()
    assert sorted(name for name in (f"plate-{n:02}" for n in range(12)) if f'"{name}"' in text) == [
        f"plate-{n:02}" for n in range(12)
    ]


def test_the_checkpoint_says_how_it_came_to_be(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, seed=5)
    outcome = trainer.start()
    record, _ = load_checkpoint(tmp_path / "run" / "best")
    assert (record.model, record.provenance) == ("cheapnet-s", "trained")
    assert (record.classes, record.normal_class) == (("background", "defect"), "background")
    assert record.training == {
        "recipe": trainer.recipe.to_dict(),
        "seed": 5,
        "data": str(image_folder),
        "init": None,
        "teacher": None,
        "size": [64, 64],
        "image_sizes": {"smallest": [64, 64], "largest": [64, 64]},
        "epoch": outcome.epoch,
        "phase": None,
    }
    assert record.data == trainer.run.data_info
    assert record.data.split.seed == 5
    assert set(record.data.parts) == {"train", "val", "test"}
    assert record.metrics["miou"] == outcome.metrics["miou"]
    assert record.versions.keys() == {"edgekit", "torch", "python"}


def test_normalisation_is_that_of_the_training_part(image_folder: Path, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, seed=2)
    dataset = open_dataset(str(image_folder))
    indices = split_dataset(dataset, seed=2).parts["train"]
    pixels = np.stack([dataset.load(index).image for index in indices]) / 255
    assert trainer.run.normalisation.mean[0] == pytest.approx(pixels.mean(), abs=5e-7)
    assert trainer.run.normalisation.std[0] == pytest.approx(pixels.std(), abs=5e-7)


def measure(checkpoint: Path, part: Dataset) -> float | None:
    """The miou of a checkpoint, each image on its own."""
    record, weights = load_checkpoint(checkpoint)
    predict = predict_with_network(load_network(record, weights), record.normalisation, multiple=16)
    return evaluate_masks(predict, part, reporter=Reporter(quiet=True)).miou


@pytest.mark.parametrize("average", [None, 0.9])
def test_metrics_of_the_best_epoch_are_those_of_its_checkpoint(
    image_folder: Path, tmp_path: Path, average: float | None, no_pictures: None
) -> None:
    recipe = tiny_recipe(average_decay=average)
    outcome = make_trainer(tmp_path / "run", image_folder, recipe=recipe).start()
    dataset = open_dataset(str(image_folder))
    part = split_dataset(dataset).subset(dataset, "val")
    # channels_last and contiguous convolutions may sum in another order: a pixel at the threshold may flip.
    assert measure(tmp_path / "run" / "best", part) == pytest.approx(outcome.metrics["miou"], abs=1e-3)


def test_images_of_any_size_are_trained_on_and_measured_as_each_alone(
    mixed_sizes: Path, tmp_path: Path, no_pictures: None
) -> None:
    recipe = tiny_recipe(epochs=1, batch_size=3)
    outcome = make_trainer(tmp_path / "run", mixed_sizes, recipe=recipe).start()
    dataset = open_dataset(str(mixed_sizes))
    split = split_dataset(dataset)
    sizes = {dataset.load(index).image.shape for index in split.parts["train"]}
    assert len(sizes) > 1, "the training part must mix sizes for this test to say anything"
    record, _ = load_checkpoint(tmp_path / "run" / "best")
    assert record.training["size"] is None
    seen = np.array(
        [dataset.load(index).image.shape for part in ("train", "val") for index in split.parts[part]]
    )
    assert record.training["image_sizes"] == {
        "smallest": seen.min(axis=0).tolist(),
        "largest": seen.max(axis=0).tolist(),
    }
    found = measure(tmp_path / "run" / "best", split.subset(dataset, "val"))
    assert found == pytest.approx(outcome.metrics["miou"], abs=1e-3)


def test_one_padded_size_is_what_the_checkpoint_names(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(40, 50))
    trainer = make_trainer(tmp_path / "run", data)
    assert trainer.run.describe({"epoch": 1, "miou": 0.5}).training["size"] == [48, 64]


def test_the_best_epoch_by_validation_miou_is_kept_the_first_among_equals(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=4))
    give_scores(trainer, monkeypatch, (0.5, 0.7, 0.7, None))
    outcome = trainer.start()
    assert (outcome.epoch, outcome.metrics["miou"]) == (2, 0.7)
    assert load_checkpoint(tmp_path / "run" / "best")[0].training["epoch"] == 2
    assert load_checkpoint(tmp_path / "run" / "last")[0].training["epoch"] == 4


def give_scores(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, scores: tuple[float | None, ...]) -> None:
    """Let the validation of each epoch find a given miou."""
    validate = trainer.validate

    def find() -> tuple[float, dict[str, Any]]:
        loss, metrics = validate()
        return loss, {**metrics, "miou": scores[len(trainer.history)]}

    monkeypatch.setattr(trainer, "validate", find)


def test_the_seed_decides_the_run(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_trainer(tmp_path / name, image_folder, seed=seed, recipe=tiny_recipe(epochs=1)).start()
    first, second, third = (
        (tmp_path / name / "last" / "model.safetensors").read_bytes() for name in ("a", "b", "c")
    )
    assert first == second
    assert first != third


def test_training_leaves_the_global_random_state(
    image_folder: Path, tmp_path: Path, no_pictures: None
) -> None:
    before = torch.random.get_rng_state()
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_network_learns(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    recipe = tiny_recipe(epochs=8, learning_rate=0.05, batch_size=2)
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=recipe, model="cheapnet-std-g4")
    outcome = trainer.start()
    losses = [entry["train_loss"] for entry in trainer.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.85 * losses[0]
    # Bright rectangles on dark noise are easy; a mask that is all background has 0.45.
    assert outcome.metrics["miou"] > 0.9


def test_a_classifier_learns(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    recipe = tiny_recipe(epochs=8, objective=Objective("ce"), augmentation=("flips",), learning_rate=0.03)
    model = register_small(monkeypatch)
    outcome = make_trainer(tmp_path / "run", class_folders, recipe=recipe, model=model).start()
    assert outcome.score_name == "macc"
    # Guessing finds a third.
    assert outcome.metrics["macc"] > 0.9
    record, weights = load_checkpoint(tmp_path / "run" / "best")
    assert (record.classes, record.normal_class) == (("good", "square", "stripes"), "good")
    assert load_network(record, weights)(torch.zeros(1, 1, 32, 32)).shape == (1, 3)
    assert {"accuracy", "macc", "recall"} <= record.metrics.keys()


def test_a_published_classifier_is_trained_on_grey_images(
    class_folders: Path, tmp_path: Path, no_pictures: None
) -> None:
    recipe = tiny_recipe(epochs=1, batch_size=8, objective=Objective("ce"))
    outcome = make_trainer(tmp_path / "run", class_folders, recipe=recipe, model="shufflenet-v2-0.5").start()
    assert outcome.metrics["images"] == 6


def test_what_is_kept_is_the_average(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(average_decay=0.9))
    trainer.start()
    _, kept = load_checkpoint(tmp_path / "run" / "last")
    assert trainer.state.average is not None
    assert all(torch.equal(kept[name], tensor) for name, tensor in trainer.state.average.state().items())
    assert not torch.equal(kept["encoder1.0.weight"], trainer.state.network.state_dict()["encoder1.0.weight"])


def test_a_run_begins_with_the_weights_it_is_given(
    image_folder: Path, tmp_path: Path, no_pictures: None
) -> None:
    make_trainer(tmp_path / "first", image_folder).start()
    start = refer_to(tmp_path / "first" / "last")
    _, weights = load_checkpoint(tmp_path / "first" / "last")
    trainer = make_trainer(tmp_path / "run", image_folder, seed=9, split=SplitChoice(0), init=start)
    assert all(torch.equal(trainer.state.network.state_dict()[name], weights[name]) for name in weights)


def test_weights_that_saw_other_images_of_the_same_data_are_refused(
    image_folder: Path, tmp_path: Path, no_pictures: None
) -> None:
    make_trainer(tmp_path / "first", image_folder, recipe=tiny_recipe(epochs=1)).start()
    seen = refer_to(tmp_path / "first" / "last")
    for role in ("init", "teacher"):
        recipe = tiny_recipe(distillation=Distillation())
        with pytest.raises(UsageProblem, match="another split"):
            make_trainer(tmp_path / "run", image_folder, recipe=recipe, seed=9, **{role: seen})


def test_a_checkpoint_names_the_weights_from_which_it_has_its_knowledge(
    image_folder: Path, tmp_path: Path, no_pictures: None
) -> None:
    one = tiny_recipe(epochs=1)
    make_trainer(tmp_path / "first", image_folder, recipe=one).start()
    seen = refer_to(tmp_path / "first" / "last")
    recipe = tiny_recipe(epochs=1, distillation=Distillation())
    make_trainer(tmp_path / "run", image_folder, recipe=recipe, init=seen, teacher=seen).start()
    for run, digest in (("first", None), ("run", seen.weights_sha256)):
        record, _ = load_checkpoint(tmp_path / run / "best")
        assert (record.training["init"], record.training["teacher"]) == (digest, digest)


def test_a_share_that_the_data_cannot_give_leaves_no_folder(tmp_path: Path, no_pictures: None) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    for path in (data / "masks").iterdir():
        mask = np.zeros((32, 32), np.uint8)
        mask[4:8, 4:8] = 255
        save(path, mask)
    recipe = tiny_recipe(sampling=Sampling(defective_share=0.5))
    with pytest.raises(DatasetError, match="no defect-free image"):
        make_trainer(tmp_path / "run", data, recipe=recipe).start()
    assert not (tmp_path / "run").exists()


def test_crops_on_defects_need_masks(class_folders: Path, tmp_path: Path) -> None:
    sampling = Sampling(crop_px=16, crop_on_defect=0.5)
    recipe = tiny_recipe(objective=Objective("ce"), sampling=sampling)
    with pytest.raises(UsageProblem, match="has no masks"):
        make_trainer(tmp_path / "run", class_folders, recipe=recipe, model="shufflenet-v2-0.5")


def test_a_teacher_changes_what_is_learnt(image_folder: Path, tmp_path: Path, no_pictures: None) -> None:
    make_trainer(tmp_path / "teacher", image_folder, model="cheapnet-g4").start()
    teacher = refer_to(tmp_path / "teacher" / "best")
    ends = {}
    for name, choice in (
        ("alone", None),
        ("ignored", Distillation(logit_weight=0.0)),
        ("logits", Distillation(logit_weight=0.5)),
        ("features", Distillation(logit_weight=0.0, feature_weight=10.0)),
    ):
        recipe = tiny_recipe(epochs=1, distillation=choice)
        taught = {} if choice is None else {"teacher": teacher}
        make_trainer(tmp_path / name, image_folder, recipe=recipe, **taught).start()
        ends[name] = (tmp_path / name / "last" / "model.safetensors").read_bytes()
    assert ends["ignored"] == ends["alone"]
    assert len(set(ends.values())) == 3


def test_shards_change_the_statistics_and_thereby_the_run(
    image_folder: Path, tmp_path: Path, no_pictures: None
) -> None:
    for shards in (1, 2):
        make_trainer(
            tmp_path / str(shards), image_folder, recipe=tiny_recipe(epochs=1, batch_size=3), shards=shards
        ).start()
    first, second = ((tmp_path / name / "last" / "model.safetensors").read_bytes() for name in ("1", "2"))
    assert first != second


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"shards": 5}, "batch of 4 images cannot be shared by 5"),
        ({"shards": 0}, "one shard or more"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"recipe": tiny_recipe(augmentation=("blur",))}, "blur"),
        ({"recipe": tiny_recipe(epochs=0)}, "epochs"),
    ],
)
def test_records_that_define_no_run_are_refused(
    image_folder: Path, tmp_path: Path, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(UsageProblem, match=word):
        make_trainer(tmp_path / "run", image_folder, **changes)
    assert not (tmp_path / "run").exists()


def test_a_run_on_generated_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    from edgekit.data.synthetic_dagm import SyntheticDagm

    monkeypatch.setattr("edgekit.data.synthetic_dagm.DEFECTIVE", {6: 10})
    monkeypatch.setattr(
        "edgekit.train.run_data.open_dataset", lambda _text, _options: SyntheticDagm((6,), size=(64, 64))
    )
    trainer = make_trainer(tmp_path / "run", "synthetic:dagm/6", recipe=tiny_recipe(epochs=1))
    trainer.start()
    assert RunFolder(tmp_path / "run").read() == trainer.run.record
