"""`edgekit bench`: the documents, what it measures when nothing is named, and what it refuses before it measures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgekit.cli import bench as bench_module
from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks import read_document
from tests.edgekit.conftest import RunCli

ONE_THREAD = ("--threads", 1, "--backend", "onnxruntime")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring would be an error: the refusal must come first."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("was measured")

    monkeypatch.setattr(bench_module, "bench_bundles", fail)


def test_document_and_report(run_cli: RunCli, here: Path) -> None:
    result = run_cli(
        "bench", DEMO_BUNDLE, *ONE_THREAD, "--batch", 1, "--batch", 2, "--json", "--report", "report.html"
    )
    document = json.loads(result.out)
    assert result.code == 0
    assert document["schema"] == "edgekit.bench/1"
    assert document["environment"]["threads"] == 1
    assert document["environment"]["roofline"] is None
    run, pair = document["runs"]
    assert (run["subject"]["batch"], pair["subject"]["batch"]) == (1, 2)
    assert run["against"] == []
    assert (run["subject"]["backend"], run["subject"]["precision"]) == ("onnxruntime", "fp32")
    latency = run["subject"]["latency_ms"]
    assert 0 < latency["least"] <= latency["p50"] <= latency["p90"] <= latency["largest"]
    assert (latency["samples"], latency["p99"]) == (64, None)
    assert run["subject"]["phases"]["decode_ms"] > 0
    assert run["subject"]["cold_start"]["until_first_ms"] > run["subject"]["cold_start"]["open_ms"]
    assert run["subject"]["paced"] is None
    assert "Demo weights" in result.err
    assert (here / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in here.iterdir()] == ["report.html"]
    (here / "a.json").write_text(result.out)
    assert len(read_document(here / "a.json").runs) == 2


@pytest.mark.slow
def test_without_a_target_the_demo_bundle_is_measured_at_a_pace(run_cli: RunCli) -> None:
    result = run_cli("bench", *ONE_THREAD, "--rate", 20)
    assert result.code == 0
    assert result.out.startswith("cheapnet-s.edgekit  onnxruntime fp32  p50 ")
    assert "p99 not enough samples (64 of 662)" in result.out
    assert "  at a pace      20 Hz: from due p50 " in result.out
    assert " of 100 deadlines missed" in result.out


@pytest.mark.slow
def test_bundles_of_the_current_folder_come_first_and_a_damaged_one_does_not_hide_the_others(
    run_cli: RunCli, here: Path
) -> None:
    for name in ("b", "a", "c"):
        shutil.copytree(DEMO_BUNDLE, here / f"{name}.edgekit")
    (here / "a.edgekit/main.onnx").write_bytes(b"")
    result = run_cli("bench", *ONE_THREAD, "--json")
    assert result.code == 4
    document = json.loads(result.out)
    assert [Path(run["subject"]["bundle"]).name for run in document["runs"]] == ["b.edgekit", "c.edgekit"]


def test_a_gate_that_does_not_hold_is_exit_code_3_after_the_figures(run_cli: RunCli) -> None:
    result = run_cli("bench", *ONE_THREAD, "--max-p99-ms", 1000)
    assert result.code == 3
    assert "p50" in result.out
    assert "64 of 662" in result.err


@pytest.mark.parametrize("target", [(), ("nowhere.edgekit",)])
def test_the_users_line_off_a_jetson_names_host(run_cli: RunCli, target: tuple[str, ...]) -> None:
    # Before any extra is looked for, and before the target: the machine is wrong.
    run_cli("bench", *target, "--device", "jetson").refused(5, "not a Jetson", "--host")


def test_a_missing_bundle(run_cli: RunCli) -> None:
    run_cli("bench", "nowhere.edgekit", "--quiet").refused(2, "nowhere.edgekit")


def test_a_damaged_bundle(run_cli: RunCli, here: Path) -> None:
    bundle = shutil.copytree(DEMO_BUNDLE, here / "a.edgekit")
    (bundle / "main.onnx").write_bytes(b"")
    run_cli("bench", bundle, "--quiet").refused(4, "main.onnx")


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--against", "openvina"), "openvino"),
        (("--profile", "standart"), "standard"),
        (("--min-ratio", "6"), "--against"),
        (("--against", "openvino", "--min-ratio", "torch=6"), "openvino"),
        (("--max-p99-ms", "0"), "above 0"),
        (("--report", "nowhere/report.html"), "nowhere"),
        (("--report", "."), "is a folder"),
    ],
)
def test_what_cannot_be_done_is_said_before_measuring(
    run_cli: RunCli, arguments: tuple[str, ...], words: str
) -> None:
    run_cli("bench", *arguments).refused(2, words)


@pytest.mark.parametrize(
    "arguments", [("--rate", "0"), ("--rate", "-3"), ("--rate", "nan"), ("--backend", "fuzed")]
)
def test_numbers_and_names_without_a_meaning(run_cli: RunCli, arguments: tuple[str, ...]) -> None:
    assert run_cli("bench", "--quiet", *arguments).refused(2).out == ""


@pytest.mark.parametrize("arguments", [("--threads", "0"), ("--batch", "0"), ("--samples", "10")])
def test_words_that_click_refuses(run_cli: RunCli, arguments: tuple[str, ...]) -> None:
    assert run_cli("bench", *arguments).code == 2


def test_weights_for_peers_that_nobody_asked_for_are_refused(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("bench", DEMO_BUNDLE, "--checkpoint", tmp_path)
    assert result.code == 2
    assert "--against" in result.err


def test_an_interrupt_leaves_no_half_report_and_no_half_document(
    run_cli: RunCli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgekit.benching.bench.measure_run", interrupt)
    result = run_cli("bench", "--json", "--report", "report.html", *ONE_THREAD)
    assert (result.code, result.out) == (130, "")
    assert list(here.iterdir()) == []
