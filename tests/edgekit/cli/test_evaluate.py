"""`edgekit eval`: checkpoints and bundles, with the same code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.shipped import DEMO_BUNDLE, find_shipped_checkpoint
from tests.edgekit.conftest import RunCli, make_checkpoint
from tests.edgekit.image_folders import save, write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe


def measure(run_cli: RunCli, *arguments: object) -> dict[str, object]:
    result = run_cli("eval", *arguments, "--json", "--quiet")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def test_document_of_a_checkpoint(run_cli: RunCli, checkpoint_folder: Path, image_folder: Path) -> None:
    document = measure(run_cli, checkpoint_folder, "--data", image_folder)
    assert document["schema"] == "edgekit.eval/1"
    assert document["target"] == str(checkpoint_folder)
    assert (document["data"], document["split"]) == ("folder:plates", "all")
    assert document["metrics"].keys() == {"miou", "macc", "iou", "images"}
    assert document["metrics"]["images"] == 12
    assert (document["backend"], document["precision"], document["provenance"]) == (
        "torch",
        "fp32",
        "trained",
    )


def test_data_of_the_training_are_measured_on_their_test_part(
    run_cli: RunCli, image_folder: Path, tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1), seed=3)
    trainer.start()
    best = tmp_path / "run" / "best"
    counts = {
        part: measure(run_cli, best, "--data", image_folder, *option)["metrics"]["images"]
        for part, option in {
            "default": (),
            "train": ("--split", "train"),
            "val": ("--split", "val"),
            "test": ("--split", "test"),
            "all": ("--split", "all"),
        }.items()
    }
    assert counts["default"] == counts["test"] < counts["train"]
    assert counts["train"] + counts["val"] + counts["test"] == counts["all"] == 12
    assert counts["train"] == len(trainer.train_store)


def test_people_read_the_figures(run_cli: RunCli, checkpoint_folder: Path, image_folder: Path) -> None:
    result = run_cli("eval", checkpoint_folder, "--data", image_folder)
    assert result.code == 0
    assert "12 images" in result.out
    assert "mIoU " in result.out
    assert "IoU defect" in result.out


def test_a_part_of_other_data_is_refused(
    run_cli: RunCli, checkpoint_folder: Path, image_folder: Path
) -> None:
    run_cli("eval", checkpoint_folder, "--data", image_folder, "--split", "test").refused(2, "--split all")


def test_sizes_that_the_network_cannot_halve(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    data = write_image_folder(tmp_path / "plates", count=2, size=(40, 50))
    run_cli("eval", checkpoint_folder, "--data", data).refused(8, "multiples of 16")


def test_sizes_that_the_bundle_does_not_take(run_cli: RunCli, image_folder: Path) -> None:
    run_cli("eval", DEMO_BUNDLE, "--data", image_folder).refused(8, "512")


def test_a_bad_mask_is_named(run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=2, size=(32, 32))
    save(data / "masks" / "plate-01.png", np.full((32, 32), 9, np.uint8))
    run_cli("eval", checkpoint_folder, "--data", data).refused(8, "plate-01.png", "9")


@pytest.mark.parametrize(
    "option", [("--device", "cuda"), ("--device", "jetson"), ("--backend", "onnxruntime"), ("--threads", "2")]
)
def test_a_checkpoint_runs_on_the_cpu_and_says_so(
    run_cli: RunCli, checkpoint_folder: Path, image_folder: Path, option: tuple[str, str]
) -> None:
    run_cli("eval", checkpoint_folder, "--data", image_folder, *option).refused(2, "CPU")


def test_what_is_neither_checkpoint_nor_bundle(run_cli: RunCli, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        run_cli("eval", path, "--data", "synthetic:dagm/6").refused(8, "neither a checkpoint")


def test_a_checkpoint_of_another_model(run_cli: RunCli, image_folder: Path, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c")
    record = folder / "checkpoint.json"
    record.write_text(record.read_text().replace("cheapnet-s", "cheapnet-m"))
    run_cli("eval", folder, "--data", image_folder).refused(8, "cheapnet-m")


def test_nan_weights(run_cli: RunCli, image_folder: Path, tmp_path: Path) -> None:
    import torch

    from edgekit.checkpoints import load_checkpoint, save_checkpoint

    record, weights = load_checkpoint(make_checkpoint(tmp_path / "c"))
    weights["output.0.bias"] = torch.tensor([float("nan")])
    save_checkpoint(tmp_path / "c", record, weights)
    run_cli("eval", tmp_path / "c", "--data", image_folder).refused(8, "output.0.bias")


@pytest.mark.slow
def test_checkpoint_and_bundle_that_ship_agree(run_cli: RunCli) -> None:
    targets = (find_shipped_checkpoint("cheapnet-s"), DEMO_BUNDLE)
    checkpoint, bundle = (measure(run_cli, target, "--data", "synthetic:dagm/6") for target in targets)
    assert checkpoint["split"] == bundle["split"] == "test"
    assert checkpoint["metrics"]["images"] == bundle["metrics"]["images"] == 30
    assert checkpoint["provenance"] == bundle["provenance"] == "demo"
    for name in ("miou", "macc"):
        assert checkpoint["metrics"][name] == pytest.approx(bundle["metrics"][name], abs=1e-3)
    assert bundle["metrics"]["miou"] > 0.75
