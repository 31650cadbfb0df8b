"""`edgekit calibrate` of a bundle with exits: a real network of two stages, exported and run by ONNX Runtime."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli.main import main
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.bundle import VerdictRules, Zone, write_bundle
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.conftest import RunCli
from tests.edgekit.evaluation.staged import save_brightness
from tests.edgekit.image_folders import load, save

VALUES = {"dark": (0, 40, 60, 80, 90, 100, 135, 20), "bright": (255, 220, 200, 150, 140, 120)}
"""Grey values by class; 135 and 120 lie on the wrong side of the middle for either exit."""


def write_greys(root: Path, values: dict[str, tuple[int, ...]]) -> Path:
    for label, greys in values.items():
        (root / label).mkdir(parents=True)
        for grey in greys:
            save(root / label / f"{grey}.png", np.full((16, 16), grey, np.uint8))
    return root


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    return write_greys(tmp_path / "greys", VALUES)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its normal class is dark. The first exit costs 258, both together 324. Read only."""
    folder = tmp_path_factory.mktemp("exported")
    out = folder / "brightness.edgekit"
    samples = write_greys(folder / "samples", {"dark": (10, 30), "bright": (170, 250)})
    with pytest.MonkeyPatch.context() as registry:
        checkpoint = save_brightness(folder / "best", registry)
        words = ("--model", "brightness", "--checkpoint", checkpoint, "--data", samples, "--out", out)
        assert main(["export", *map(str, words)]) == 0
    return out


def test_thresholds_are_learnt_written_and_kept(
    run_cli: RunCli, bundle: Path, greys: Path, tmp_path: Path
) -> None:
    new, page = tmp_path / "tuned.edgekit", tmp_path / "page.html"
    options = ("--max-escape", "20%", "--max-overkill", "20%", "--defective-share", "1%")
    command = (
        "calibrate",
        bundle,
        "--data",
        greys,
        *options,
        "--out",
        new,
        "--page",
        page,
        "--json",
        "--quiet",
    )
    result = run_cli(*command)
    assert result.code == 0, result.err
    document = json.loads(result.out)
    assert (document["schema"], document["task"]) == ("edgekit.calibrate/1", "classify")
    assert document["images"] == {"defective": 6, "normal": 8, "groups": 14}
    chosen, before = document["chosen"], document["before"]
    # The exits call the same images bright: the first one does for all.
    assert (chosen["escape"]["count"], chosen["overkill"]["count"]) == (1, 1)
    assert chosen["exits"] == {"defective": [6, 0], "normal": [8, 0]}
    assert chosen["cost"]["macs"] == 258
    assert before["thresholds"] == [0.9, 0.6]
    assert chosen["cost"]["macs"] < before["cost"]["macs"] < document["last_exit"]["cost"]["macs"] == 324
    assert "<svg" in page.read_text(encoding="utf-8")
    tuned = Bundle.open(new).manifest
    assert [stage.exit and stage.exit.threshold for stage in tuned.stages] == chosen["thresholds"]
    assert tuned.files == Bundle.open(bundle).manifest.files
    assert run_cli("verify", new).code == 0
    with Detector(new) as detector:
        for label, values in VALUES.items():
            for value in values:
                found = detector(load(greys / label / f"{value}.png"))
                assert found.exit == 1
                assert (found.verdict == "reject") == (value > 127)


def test_people_read_what_exits_do(run_cli: RunCli, bundle: Path, greys: Path, tmp_path: Path) -> None:
    new = tmp_path / "tuned.edgekit"
    result = run_cli("calibrate", bundle, "--data", greys, "--max-cost", "90%", "--out", new)
    assert result.code == 0, result.err
    for words in (
        "all part: 6 defective and 8 defect-free images of 14 things",
        "goal: expected cost at most 90 % of the last exit, least escape",
        "answered by",
        "say how many with --defective-share 1%",
    ):
        assert words in result.out, result.out
    assert f"wrote {new}" in result.err


def test_a_goal_that_is_not_reached_writes_nothing(
    run_cli: RunCli, bundle: Path, greys: Path, tmp_path: Path
) -> None:
    new = tmp_path / "tuned.edgekit"
    result = run_cli("calibrate", bundle, "--data", greys, "--max-escape", "0", "--out", new)
    assert result.code == 3
    assert "Not reached: escape at most 0 %, least expected cost. The best is escape 16.7 %" in result.err
    assert "at thresholds" in result.err
    assert not new.exists()


def write_masked(root: Path, *, columns: int) -> Path:
    """Two dark images without a defect, and two bright ones with one on the first columns."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for value in (0, 60, 200, 255):
        mask = np.zeros((16, 16), np.uint8)
        mask[:, :columns] = 255 * (value > 127)
        save(root / "images" / f"{value}.png", np.full((16, 16), value, np.uint8))
        save(root / "masks" / f"{value}.png", mask)
    return root


def test_masks_tell_which_images_are_defective(run_cli: RunCli, bundle: Path, tmp_path: Path) -> None:
    root = write_masked(tmp_path / "masked", columns=16)
    options = ("--max-escape", "20%", "--out", tmp_path / "t.edgekit", "--json", "--quiet")
    result = run_cli("calibrate", bundle, "--data", root, *options)
    assert result.code == 0, result.err
    assert json.loads(result.out)["images"] == {"defective": 2, "normal": 2, "groups": 4}


def test_zones_mean_nothing_to_what_classifies(run_cli: RunCli, bundle: Path, tmp_path: Path) -> None:
    old = Bundle.open(bundle)
    zoned = replace(old.manifest, rules=VerdictRules(zones=(Zone(0, 8),)))
    write_bundle(tmp_path / "zoned.edgekit", zoned, {name: old.read(name) for name in old.manifest.files})
    root = write_masked(tmp_path / "masked", columns=8)
    options = ("--max-escape", "20%", "--out", tmp_path / "t.edgekit", "--json", "--quiet")
    result = run_cli("calibrate", tmp_path / "zoned.edgekit", "--data", root, *options)
    assert result.code == 0, result.err
    assert json.loads(result.out)["images"] == {"defective": 2, "normal": 2, "groups": 4}


def test_classes_that_tell_nothing_are_refused(run_cli: RunCli, bundle: Path, tmp_path: Path) -> None:
    for label in ("good", "ok"):
        (tmp_path / "parts" / label).mkdir(parents=True)
        save(tmp_path / "parts" / label / "1.png", np.zeros((16, 16), np.uint8))
    options = ("--max-escape", "20%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", bundle, "--data", tmp_path / "parts", *options).refused(
        8, "good, ok", "none is 'dark'", "Call the folder"
    )


def test_images_of_another_size_are_named(run_cli: RunCli, bundle: Path, greys: Path, tmp_path: Path) -> None:
    save(greys / "bright" / "large.png", np.full((20, 20), 200, np.uint8))
    options = ("--max-escape", "20%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", bundle, "--data", greys, *options).refused(8, "bright/large")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--max-cost 60%"),
        (("--max-cost", "much"), "no cost of a frame"),
        (("--cost-ratio", "5"), "what a frame may cost"),
        (("--max-escape", "2%", "--cost-ratio", "5"), "what a frame may cost"),
        (("--max-cost", "60%", "--cost-ratio", "nan"), "above 0"),
        (("--max-escape", "2%", "--defective-share", "100%"), "no share"),
    ],
)
def test_goals_that_mean_nothing(
    run_cli: RunCli, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    bundle = fake_bundle(tmp_path / "c.edgekit", task="classify", exits=2).path
    arguments = ("--data", "nothing", *options, "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", bundle, *arguments).refused(2, words)


def test_bundles_whose_exits_have_nothing_to_choose(run_cli: RunCli, tmp_path: Path) -> None:
    base = fake_bundle(tmp_path / "two.edgekit", task="classify", exits=2)
    files = {name: base.read(name) for name in base.manifest.files}
    model = replace(base.manifest.model, normal_class=None)
    write_bundle(tmp_path / "all.edgekit", replace(base.manifest, model=model), files)
    stages = tuple(replace(stage, macs=0) for stage in base.manifest.stages)
    write_bundle(tmp_path / "free.edgekit", replace(base.manifest, stages=stages), files)
    options = ("--data", "nothing", "--max-escape", "1%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", tmp_path / "all.edgekit", *options).refused(
        2, "no class without a defect", "Train it"
    )
    run_cli("calibrate", tmp_path / "free.edgekit", *options).refused(
        2, "does not say what", "edgekit export"
    )


def test_a_cost_that_no_thresholds_have_is_refused(
    run_cli: RunCli, bundle: Path, greys: Path, tmp_path: Path
) -> None:
    options = ("--max-cost", "50%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", bundle, "--data", greys, *options).refused(
        2, "258 MAC: 79.6 % of the last", "--max-cost"
    )
