"""`edgekit eval`: checkpoints and bundles, with the same code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.checkpoints import save_checkpoint
from edgekit.models import MODELS, build_model
from edgekit.shipped import DEMO_BUNDLE, find_shipped_checkpoint
from tests.edgekit.conftest import RunCli, make_checkpoint
from tests.edgekit.image_folders import draw_plate, save, write_image_folder
from tests.edgekit.records import make_record
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
    assert (document["task"], document["layout"]) == ("segment", "images/ and masks/")
    metrics = document["metrics"]
    assert metrics.keys() == {
        *("miou", "macc", "iou", "dice", "precision", "fpr", "fnr", "images", "mae", "mae_of"),
        *("rules", "min_area_px", "image_level", "defect_level", "ap"),
    }
    assert metrics["images"] == 12
    assert metrics["mae_of"] == "probabilities"
    assert metrics["image_level"]["escape"]["of"] == 12
    assert metrics["image_level"]["per_metre"] is None
    assert metrics["ap"].keys() == {"whole_mask", "components"}
    assert (document["per_kind"], document["intervals"]) == ({}, None)
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
    assert counts["train"] == len(trainer.run.train)


def test_people_read_the_figures(run_cli: RunCli, checkpoint_folder: Path, image_folder: Path) -> None:
    options = ("--min-area", 3, "--mm-per-px", 0.5, "--intervals", "--threshold", -1e6)
    result = run_cli("eval", checkpoint_folder, "--data", image_folder, *options)
    assert result.code == 0
    assert result.err == "note: folder:plates was read as images/ and masks/.\n"
    for words in (
        "12 images",
        "mIoU ",
        "IoU defect",
        "escape 0.0000 (0 of 12), 95 % 0.000 to 0.",
        "overkill none (no case)",
        "AUROC none (of the peak logit)",
        "per metre of 0.384 m: 0 escapes, no overkills (no case)",
        "defects: recall",
        "(covered ≥ 0.1)",
        "boxes, whole mask: AP@[.5:.95]",
        "regions below 3 px do not count",
        "95 % intervals over 12 groups",
        "  Dice      0.",
        "  overkill  none",
    ):
        assert words in result.out, result.out


def write_defects_by_kind(root: Path) -> Path:
    """Magnetic Tile in its layout: two kinds, two defect-free images, sizes that no network divides."""
    for kind, index, defective in (
        ("Blowhole", 0, True),
        ("Blowhole", 1, True),
        ("Crack", 2, True),
        ("Free", 3, False),
        ("Free", 4, False),
    ):
        folder = root / f"MT_{kind}" / "Imgs"
        folder.mkdir(parents=True, exist_ok=True)
        image, mask = draw_plate(index, (40 + index, 50))
        save(folder / f"exp1_num_{index}.jpg", image)
        save(folder / f"exp1_num_{index}.png", mask * np.uint8(defective))
    return root


def test_kinds_count_as_one_class_and_are_measured_apart(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    data = write_defects_by_kind(tmp_path / "tiles")
    result = run_cli("eval", checkpoint_folder, "--data", data, "--threshold", -1e6)
    assert result.code == 0
    assert "read as Magnetic Tile; blowhole, " in result.err
    assert "count as one class, defect." in result.err
    assert "over the images that show a kind of defect:" in result.out
    document = measure(run_cli, checkpoint_folder, "--data", data, "--threshold", -1e6, "--intervals")
    assert list(document["metrics"]["iou"]) == ["background", "defect"]
    assert {kind: figures["images"] for kind, figures in document["per_kind"].items()} == {
        "blowhole": 2,
        "crack": 1,
    }
    # Every pixel is flagged.
    levels = document["metrics"]["image_level"]
    assert (levels["escape"]["rate"], levels["overkill"]["rate"], levels["overkill"]["of"]) == (0.0, 1.0, 2)
    assert document["intervals"]["overkill"] == [1.0, 1.0]


def test_intervals_draw_an_image_and_its_copy_together(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / "plates" / part).mkdir(parents=True)
    for index in range(6):
        # Coarse blocks: fine noise alone has nothing by which a copy is recognised.
        image = np.kron(generator.integers(0, 256, (8, 8)), np.ones((6, 6))).astype(np.uint8)
        mask = np.zeros((48, 48), np.uint8)
        mask[:9, :9] = 255
        save(tmp_path / "plates" / "images" / f"{index}.png", image)
        save(tmp_path / "plates" / "masks" / f"{index}.png", mask)
        if index < 2:
            save(tmp_path / "plates" / "images" / f"{index}-turned.png", np.rot90(image))
            save(tmp_path / "plates" / "masks" / f"{index}-turned.png", np.rot90(mask))
    document = measure(run_cli, checkpoint_folder, "--data", tmp_path / "plates", "--intervals")
    assert (document["metrics"]["images"], document["intervals"]["groups"]) == (8, 6)


def test_rows_name_the_images_that_were_missed(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    data = write_defects_by_kind(tmp_path / "tiles")
    measure(run_cli, checkpoint_folder, "--data", data, "--threshold", 1e6, "--rows", tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        outcomes = {row["name"]: row["outcome"] for row in csv.DictReader(stream)}
    assert sorted(outcomes.values()) == ["escape", "escape", "escape", "passed", "passed"]
    assert all("Free" in name for name, outcome in outcomes.items() if outcome == "passed")


def test_a_place_without_room_for_rows_is_refused_before_the_work(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    for place, word in ((tmp_path / "nowhere" / "rows.csv", "no folder"), (tmp_path, "is a folder")):
        run_cli("eval", checkpoint_folder, "--data", "nothing", "--rows", place).refused(2, word)


def test_a_classifier_is_measured_by_its_classes(run_cli: RunCli, tmp_path: Path) -> None:
    for label in ("hole", "normal"):
        (tmp_path / "parts" / label).mkdir(parents=True)
        for index in range(2):
            pixels = draw_plate(index, (40, 50))[0]
            save(tmp_path / "parts" / label / f"{label}-{index}.png", pixels)
    spec = MODELS.get("shufflenet-v2-0.5").for_classes(("normal", "hole"))
    record = make_record(spec.name, classes=spec.classes, normal_class="normal")
    save_checkpoint(tmp_path / "c", record, build_model(spec, seed=0).state_dict())
    document = measure(run_cli, tmp_path / "c", "--data", tmp_path / "parts", "--intervals")
    assert document["task"] == "classify"
    metrics = document["metrics"]
    assert metrics.keys() == {
        *("accuracy", "macc", "images", "correct", "classes", "confusion", "image_level", "exits"),
    }
    assert metrics["exits"] is None
    # The two folders hold the same pictures: whatever the network says, it is right half of the time.
    assert (metrics["accuracy"], metrics["macc"], metrics["images"]) == (0.5, 0.5, 4)
    assert metrics["image_level"]["auroc"] == 0.5
    assert document["intervals"].keys() >= {"accuracy", "macc", "escape", "overkill"}
    table = run_cli("eval", tmp_path / "c", "--data", tmp_path / "parts")
    assert "accuracy 0.5000 (2 of 4)" in table.out
    assert "AUROC 0.5000" in table.out
    for option, words in ((("--min-area", "5"), "no regions"), (("--threshold", "1"), "classifies")):
        run_cli("eval", tmp_path / "c", "--data", tmp_path / "parts", *option).refused(2, words)


@pytest.mark.parametrize(
    ("option", "word"), [(("--mm-per-px", "0"), "above 0"), (("--threshold", "nan"), "finite")]
)
def test_numbers_that_mean_nothing_are_refused(
    run_cli: RunCli, checkpoint_folder: Path, image_folder: Path, option: tuple[str, str], word: str
) -> None:
    run_cli("eval", checkpoint_folder, "--data", image_folder, *option).refused(2, word)


def test_a_part_of_other_data_is_refused(
    run_cli: RunCli, checkpoint_folder: Path, image_folder: Path
) -> None:
    run_cli("eval", checkpoint_folder, "--data", image_folder, "--split", "test").refused(2, "--split all")


def test_a_corrupt_image_in_the_middle_is_named(
    run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path
) -> None:
    data = write_image_folder(tmp_path / "plates", count=3, size=(32, 32))
    (data / "images" / "plate-01.png").write_bytes(b"no image")
    rows = tmp_path / "rows.csv"
    run_cli("eval", checkpoint_folder, "--data", data, "--rows", rows).refused(8, "plate-01.png")
    assert not rows.exists()


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
    for name in ("miou", "macc", "dice", "precision", "fpr", "fnr"):
        assert checkpoint["metrics"][name] == pytest.approx(bundle["metrics"][name], abs=1e-3)
    for level in ("defect_level", "ap"):
        assert checkpoint["metrics"][level].keys() == bundle["metrics"][level].keys()
    for figures in (checkpoint["metrics"], bundle["metrics"]):
        assert figures["image_level"]["escape"]["count"] == 0
    # One box per image with the score 1: both know the same.
    assert checkpoint["metrics"]["ap"]["whole_mask"]["ap50"] == pytest.approx(
        bundle["metrics"]["ap"]["whole_mask"]["ap50"], abs=0.05
    )
    assert (checkpoint["metrics"]["mae_of"], bundle["metrics"]["mae_of"]) == ("probabilities", "masks")
    assert bundle["metrics"]["miou"] > 0.75
