"""`edgekit eval` of networks with early exits, as checkpoints and as bundles."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edgekit.checkpoints import save_checkpoint
from edgekit.models import MODELS, build_model
from edgekit_export.exportable import Normalisation
from tests.edgekit.cli.test_evaluate import measure
from tests.edgekit.conftest import RunCli
from tests.edgekit.evaluation.staged import save_brightness
from tests.edgekit.image_folders import save
from tests.edgekit.records import make_record


@pytest.fixture
def targets(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, greys: Path) -> dict[str, Path]:
    """The same network as a checkpoint and as a bundle."""
    checkpoint = save_brightness(tmp_path / "best", monkeypatch)
    out = tmp_path / "brightness.edgekit"
    words = ("--model", "brightness", "--checkpoint", checkpoint, "--data", greys, "--out", out)
    result = run_cli("export", *words)
    assert result.code == 0, result.err
    return {"checkpoint": checkpoint, "bundle": out}


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Images of 16×16 of one grey value each; 120 and 135 are on the wrong side of the middle."""
    for label, values in {"dark": (0, 20, 90, 135), "bright": (255, 160, 120, 129)}.items():
        (tmp_path / "greys" / label).mkdir(parents=True)
        for value in values:
            save(tmp_path / "greys" / label / f"{value}.png", np.full((16, 16), value, np.uint8))
    return tmp_path / "greys"


@pytest.mark.parametrize("kind", ["checkpoint", "bundle"])
def test_the_document_says_who_answered_and_what_that_costs(
    run_cli: RunCli, targets: dict[str, Path], greys: Path, kind: str
) -> None:
    exits = measure(run_cli, targets[kind], "--data", greys)["metrics"]["exits"]
    assert [(one["exit"], one["name"], one["threshold"]) for one in exits["exits"]] == [
        (1, "exit1", 0.9),
        (2, "exit2", 0.6),
    ]
    # 0.9 is reached where |mean − 0.5| / 0.25 is 1.099 or more: at 0, 20 and 255.
    assert [one["classes"]["dark"]["answered"] for one in exits["exits"]] == [2, 2]
    assert [one["classes"]["bright"]["answered"] for one in exits["exits"]] == [1, 3]
    assert [one["correct"]["count"] for one in exits["exits"]] == [3, 3]
    # 0.6 at the second exit where it is 0.101 or more: not at 129.
    assert exits["low_confidence"]["count"] == 1
    assert exits["macs"]["last_exit"] == 258 + 66
    assert exits["macs"]["mean"] == (3 * 258 + 5 * 324) / 8
    assert exits["macs"]["classes"]["bright"] == (258 + 3 * 324) / 4
    assert all(one["alone"] is None for one in exits["exits"])


@pytest.mark.parametrize("kind", ["checkpoint", "bundle"])
def test_every_exit_is_measured_alone(
    run_cli: RunCli, targets: dict[str, Path], greys: Path, kind: str
) -> None:
    document = measure(run_cli, targets[kind], "--data", greys, "--every-exit", "--intervals")
    gated = measure(run_cli, targets[kind], "--data", greys, "--intervals")
    assert document["intervals"] == gated["intervals"]
    metrics = document["metrics"]
    first, last = (one["alone"] for one in metrics["exits"]["exits"])
    assert [one["every_image"]["images"] for one in (first, last)] == [8, 8]
    assert [one["reached"]["images"] for one in (first, last)] == [8, 5]
    assert first["every_image"]["accuracy"] == last["every_image"]["accuracy"] == 0.75
    assert last["reached"]["accuracy"] == 0.6
    assert last["every_image"]["classes"]["bright"]["recall"] == 0.75
    assert last["every_image"]["image_level"]["escape"]["count"] == 1
    calibration = last["reached"]["calibration"]
    sure = [1 / (1 + np.exp(-4 * abs(grey / 255 - 0.5) / 0.25)) for grey in (90, 135, 160, 120, 129)]
    assert calibration["confidence"] == pytest.approx(np.mean(sure), abs=1e-5)
    assert calibration["accuracy"] == 0.6
    assert len(calibration["bins"]) == 15
    for one in (metrics, gated["metrics"]):
        del one["exits"]
    assert metrics == gated["metrics"]


def test_people_read_a_table(run_cli: RunCli, targets: dict[str, Path], greys: Path) -> None:
    result = run_cli("eval", targets["bundle"], "--data", greys, "--every-exit")
    assert result.code == 0, result.err
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    for line in (
        "class images exit 1 (≥ 0.9) exit 2 MACs",
        "dark 4 50.0% (2) 50.0% (2) 291",
        "all 8 37.5% (3) 62.5% (5) 299",
        "right of these 1.0000 0.6000",
        "low confidence (below 0.6 at the last exit): 0.1250 (1 of 8)",
        "cost: 299 multiply-accumulates per image, 92.4% of the last exit's 324",
        "each exit alone, on every image:",
        "dark 0.7500 / 0.7500 0.7500 / 0.7500",
    ):
        assert line in lines, result.out
    assert any(line.startswith("2 5 0.6000 ") for line in lines), result.out


def test_rows_say_which_exit_answered(
    run_cli: RunCli, targets: dict[str, Path], greys: Path, tmp_path: Path
) -> None:
    measure(run_cli, targets["bundle"], "--data", greys, "--rows", tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = {Path(row["name"]).stem: row for row in csv.DictReader(stream)}
    assert {name: row["exit"] for name, row in rows.items()} == {
        **dict.fromkeys(("0", "20", "255"), "1"),
        **dict.fromkeys(("90", "135", "160", "120", "129"), "2"),
    }
    assert [name for name, row in rows.items() if row["low_confidence"] == "yes"] == ["129"]
    assert float(rows["0"]["confidence"]) == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-5)


def test_detect_says_which_exit_answered(run_cli: RunCli, targets: dict[str, Path], greys: Path) -> None:
    result = run_cli("detect", targets["bundle"], greys / "dark")
    assert result.code == 0, result.err
    answers = {
        Path(line.split(":")[0]).stem: line.split(")")[1].split()[:3] for line in result.out.splitlines()
    }
    first, last = ["at", "exit", "1"], ["at", "exit", "2"]
    assert answers == {"0": first, "20": first, "90": last, "135": last}


def test_every_exit_of_a_network_without_any_is_refused(
    run_cli: RunCli, checkpoint_folder: Path, image_folder: Path
) -> None:
    run_cli("eval", checkpoint_folder, "--data", image_folder, "--every-exit").refused(2, "no early exits")


@pytest.mark.slow
def test_dinet_as_a_checkpoint_and_as_a_bundle(run_cli: RunCli, greys: Path, tmp_path: Path) -> None:
    spec = MODELS.get("dinet").for_classes(("dark", "bright"))
    normalisation = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    record = make_record(spec.name, classes=spec.classes, normal_class="dark", normalisation=normalisation)
    save_checkpoint(tmp_path / "best", record, build_model(spec, seed=0).state_dict())
    out = tmp_path / "dinet.edgekit"
    words = ("--model", "dinet", "--checkpoint", tmp_path / "best", "--data", greys, "--size", "16x16")
    result = run_cli("export", *words, "--out", out)
    assert result.code == 0, result.err
    found = [
        measure(run_cli, target, "--data", greys, "--every-exit")["metrics"]["exits"]
        for target in (tmp_path / "best", out)
    ]
    assert found[0]["macs"] == found[1]["macs"]
    assert found[0]["low_confidence"] == found[1]["low_confidence"]
    for checkpoint, bundle in zip(*(one["exits"] for one in found), strict=True):
        assert checkpoint["classes"] == bundle["classes"]
        sides = [one["alone"]["every_image"]["calibration"] for one in (checkpoint, bundle)]
        assert sides[0]["confidence"] == pytest.approx(sides[1]["confidence"], abs=1e-4)
        assert [one["count"] for one in sides[0]["bins"]] == [one["count"] for one in sides[1]["bins"]]
