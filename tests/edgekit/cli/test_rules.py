"""`edgekit rules`: printed, edited, and given back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle
from edgekit_runtime.bundle import TuningInfo, write_bundle
from tests.edgekit.conftest import RunCli

ZONES = [{"x1": 0, "x2": 16, "y1": None, "y2": None}]


@pytest.fixture
def printed(run_cli: RunCli) -> dict[str, Any]:
    result = run_cli("rules", DEMO_BUNDLE)
    assert result.code == 0
    return json.loads(result.out)


def test_what_is_printed_edited_and_given_back_stands_in_the_new_bundle(
    run_cli: RunCli, printed: dict[str, Any], tmp_path: Path
) -> None:
    assert printed["rules"]["others"]["max_regions"] == 0
    printed["mm_per_pixel"] = 0.317
    printed["rules"].update(
        zones=ZONES, classes={"defect": {"min_area_mm2": 1.5, "max_regions": 2, "window_mm": 1000.0}}
    )
    (tmp_path / "rules.json").write_text(json.dumps(printed))
    new = tmp_path / "new.edgekit"
    result = run_cli("rules", DEMO_BUNDLE, "--set", tmp_path / "rules.json", "--out", new)
    assert (result.code, result.out) == (0, "")
    manifest, before = Bundle.open(new).manifest, Bundle.open(DEMO_BUNDLE).manifest
    assert manifest.input.mm_per_pixel == 0.317
    assert manifest.rules.rule_for("defect").max_regions == 2
    assert manifest.rules.zones[0].x2 == 16
    assert (manifest.files, manifest.thresholds) == (before.files, before.thresholds)
    assert run_cli("verify", new).code == 0


def test_the_scale_alone(run_cli: RunCli, tmp_path: Path) -> None:
    new = tmp_path / "new.edgekit"
    assert run_cli("rules", DEMO_BUNDLE, "--mm-per-px", 0.1, "--out", new).code == 0
    assert json.loads(run_cli("rules", new).out)["mm_per_pixel"] == 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": {"hole": {}}}, "'hole', which is no defect"),
        ({"others": {"min_area_mm2": 2.0}}, "needs input.mm_per_pixel"),
        ({"others": {"least": 2}}, "unknown key 'least'"),
        ({"connectivity": 6}, "must be one of 4, 8"),
    ],
)
def test_rules_that_do_not_fit(
    run_cli: RunCli, printed: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    printed["rules"].update(change)
    (tmp_path / "rules.json").write_text(json.dumps(printed))
    new = tmp_path / "new.edgekit"
    run_cli("rules", DEMO_BUNDLE, "--set", tmp_path / "rules.json", "--out", new).refused(2, message)
    assert not new.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "edgekit.eval/1"}'])
def test_files_that_are_no_rules(run_cli: RunCli, tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.json").write_text(text)
    arguments = ("rules", DEMO_BUNDLE, "--set", tmp_path / "rules.json", "--out", tmp_path / "n.edgekit")
    run_cli(*arguments).refused(2, "rules.json")


def test_what_is_missing_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("rules", DEMO_BUNDLE, "--set", tmp_path / "no.json", "--out", tmp_path / "n.edgekit").refused(
        2, "no.json"
    )
    run_cli("rules", DEMO_BUNDLE, "--mm-per-px", 0.1).refused(2, "--out")
    run_cli("rules", DEMO_BUNDLE, "--mm-per-px", 0.1, "--out", DEMO_BUNDLE).refused(2, "the bundle itself")
    for scale in (-1, "nan", "1e308"):
        refused = run_cli("rules", DEMO_BUNDLE, "--mm-per-px", scale, "--out", tmp_path / "n.edgekit")
        refused.refused(2, "input.mm_per_pixel is", "such as 0.317")


def test_figures_of_a_choice_do_not_outlive_it(run_cli: RunCli, tmp_path: Path) -> None:
    """Escapes and overkill that `calibrate` wrote down are those of its own rules."""
    opened = Bundle.open(DEMO_BUNDLE)
    tuning = TuningInfo("plates", "ab" * 32, "escape at most 5 %", 10, 0, 20, 1)
    files = {name: opened.read(name) for name in opened.manifest.files}
    tuned = write_bundle(tmp_path / "tuned.edgekit", replace(opened.manifest, tuning=tuning), files)
    same, other = tmp_path / "same.edgekit", tmp_path / "other.edgekit"
    (tmp_path / "rules.json").write_text(run_cli("rules", tuned.path).out)
    assert run_cli("rules", tuned.path, "--set", tmp_path / "rules.json", "--out", same).code == 0
    assert Bundle.open(same).manifest.tuning == tuning
    assert run_cli("rules", tuned.path, "--mm-per-px", 0.5, "--out", other).code == 0
    assert Bundle.open(other).manifest.tuning is None
