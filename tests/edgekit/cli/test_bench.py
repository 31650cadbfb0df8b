"""`edgekit bench`: the documents, and what it measures when nothing is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE
from tests.edgekit.conftest import RunCli

FEW = ("--samples", 10, "--threads", 1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_document(run_cli: RunCli) -> None:
    result = run_cli("bench", DEMO_BUNDLE, *FEW, "--json")
    document = json.loads(result.out)
    assert result.code == 0
    assert document["schema"] == "edgekit.bench/1"
    assert document["environment"]["threads"] == 1
    run = document["runs"][0]
    assert run["against"] == []
    assert (run["subject"]["backend"], run["subject"]["precision"]) == ("onnxruntime", "fp32")
    latency = run["subject"]["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"]
    assert latency["samples"] == 10
    assert "Demo weights" in result.err


def test_without_a_target_the_demo_bundle_is_measured(run_cli: RunCli) -> None:
    result = run_cli("bench", *FEW)
    assert result.code == 0
    assert result.out.startswith("cheapnet-s.edgekit  onnxruntime fp32  p50 ")


def test_bundles_of_the_current_folder_come_first(run_cli: RunCli, here: Path) -> None:
    for name in ("b", "a"):
        shutil.copytree(DEMO_BUNDLE, here / f"{name}.edgekit")
    document = json.loads(run_cli("bench", *FEW, "--json").out)
    assert [Path(run["subject"]["bundle"]).name for run in document["runs"]] == ["a.edgekit", "b.edgekit"]


@pytest.mark.parametrize("target", [(), ("nowhere.edgekit",)])
def test_the_users_line_off_a_jetson_names_host(run_cli: RunCli, target: tuple[str, ...]) -> None:
    # Before any extra is looked for, and before the target: the machine is wrong.
    run_cli("bench", *target, "--device", "jetson").refused(5, "not a Jetson", "--host")


def test_a_missing_bundle(run_cli: RunCli) -> None:
    run_cli("bench", "nowhere.edgekit").refused(2, "nowhere.edgekit")


def test_a_damaged_bundle(run_cli: RunCli, here: Path) -> None:
    bundle = shutil.copytree(DEMO_BUNDLE, here / "a.edgekit")
    (bundle / "main.onnx").write_bytes(b"")
    run_cli("bench", bundle, "--quiet").refused(4, "main.onnx")
