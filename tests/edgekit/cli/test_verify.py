"""`edgekit verify`."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle
from edgekit_runtime.bundle import TuningInfo, write_bundle
from tests.edgekit.conftest import RunCli


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO_BUNDLE, tmp_path / "copy.edgekit")


def test_a_sound_bundle(run_cli: RunCli, bundle: Path) -> None:
    result = run_cli("verify", bundle, "--json")
    document = json.loads(result.out)
    assert result.code == 0
    assert (document["schema"], document["ok"]) == ("edgekit.verify/1", True)
    assert all(check["ok"] and check["name"] and check["detail"] for check in document["checks"])
    assert any(check["name"].startswith("golden") for check in document["checks"])


def test_people_read_what_was_checked(run_cli: RunCli, bundle: Path) -> None:
    result = run_cli("verify", bundle)
    assert result.code == 0
    assert "✓ integrity" in result.out
    assert "512×512" in result.out
    assert "is sound" in result.out
    assert "Demo weights" in result.err


def test_a_flipped_byte_is_refused(run_cli: RunCli, bundle: Path) -> None:
    blob = bytearray((bundle / "main.onnx").read_bytes())
    blob[len(blob) // 2] ^= 1
    (bundle / "main.onnx").write_bytes(blob)
    result = run_cli("verify", bundle, "--json")
    assert result.code == 4
    document = json.loads(result.out)
    assert document["ok"] is False
    assert document["checks"][-1]["ok"] is False
    assert "main.onnx" in document["checks"][-1]["detail"]
    assert result.err.startswith("edgekit: ")


@pytest.mark.parametrize("name", ["nowhere.edgekit", "nowhere"])
def test_a_missing_bundle(run_cli: RunCli, tmp_path: Path, name: str) -> None:
    run_cli("verify", tmp_path / name).refused(2, name)


def test_a_folder_that_is_no_bundle(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "a.edgekit").mkdir()
    result = run_cli("verify", tmp_path / "a.edgekit")
    assert result.code == 4
    assert "manifest.json" in result.err


def test_what_the_rules_were_chosen_on_is_said(run_cli: RunCli, tmp_path: Path) -> None:
    opened = Bundle.open(DEMO_BUNDLE)
    assert "were chosen" not in run_cli("verify", DEMO_BUNDLE).out
    tuning = TuningInfo("plates", "ab" * 32, "escape at most 5 %", 10, 0, 20, 1)
    files = {name: opened.read(name) for name in opened.manifest.files}
    tuned = write_bundle(tmp_path / "tuned.edgekit", replace(opened.manifest, tuning=tuning), files)
    said = run_cli("verify", tuned.path).out
    assert "on plates for escape at most 5 %: there 0 of 10 defective images escape and 1 of 20" in said
