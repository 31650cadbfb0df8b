"""`edgekit verify`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE
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
