"""`edgekit line`, with the bundle that ships."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data.synthetic import render
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Detector
from edgekit_runtime.regions import find_regions
from tests.edgekit.conftest import CliResult, RunCli
from tests.edgekit.image_folders import save

SMALL = ("--source", "synthetic:fabric", "--width", "512", "--strip-rows", "256", "--min-area", "400")


def parse(result: CliResult) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    *parts, summary = [json.loads(line) for line in result.out.splitlines()]
    assert {part["kind"] for part in parts} <= {"part"}
    assert summary["kind"] == "summary"
    return parts, summary


@pytest.fixture(scope="module")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web of five strips of 512×512, of which the second and the fourth hold a defect."""
    folder = tmp_path_factory.mktemp("strips")
    for index in range(5):
        save(folder / f"{index}.png", render(6, index, defective=index % 2 == 1, seed=2026)[0])
    return folder


def test_documents_are_lines_and_the_last_one_is_the_summary(run_cli: RunCli) -> None:
    result = run_cli("line", DEMO_BUNDLE, *SMALL, "--parts", "3", "--json")
    assert result.code == 0
    parts, summary = parse(result)
    assert [part["number"] for part in parts] == [1, 2, 3]
    keys = {"schema", "y1", "y2", "verdict", "reason", "label", "regions", "latency_ms", "late", "bundle"}
    assert all(keys <= part.keys() for part in parts)
    assert {document["schema"] for document in (*parts, summary)} == {"edgekit.line/1"}
    assert (summary["parts"], summary["rows"], summary["strips"]) == (3, 3 * 512, 6)


def test_verdicts_are_those_of_the_detector_on_the_whole_web(run_cli: RunCli, strips: Path) -> None:
    arguments = ("--source", f"folder:{strips}", "--min-area", "2000", "--json")
    parts, summary = parse(run_cli("line", DEMO_BUNDLE, *arguments))
    with Detector(DEMO_BUNDLE) as detector:
        frames = [render(6, index, defective=index % 2 == 1, seed=2026)[0] for index in range(5)]
        mask = np.concatenate([detector(frame).mask for frame in frames])
    rows = find_regions(mask, min_area_px=2000)
    truth = [
        "reject" if ((rows[:, 1] < y + 512) & (rows[:, 3] > y)).any() else "accept"
        for y in range(0, 2560, 512)
    ]
    assert [part["verdict"] for part in parts] == truth
    assert {"accept", "reject"} <= set(truth)
    assert summary["rejected"] == truth.count("reject")


def test_the_papers_line_is_one_command(run_cli: RunCli) -> None:
    arguments = ("--source", "synthetic:fabric", "--drop-left", "1", "--drop-right", "1", "--metres", "0.325")
    _, summary = parse(run_cli("line", DEMO_BUNDLE, *arguments, "--json"))
    assert (summary["tiles_per_strip"], summary["strips"]) == (14, 2)
    speed = summary["tiles_per_s"] / 14 * 0.1625 * 60  # DS = FPS / 14 · 0.1625 · 60
    assert summary["greatest_speed_m_per_min"] == pytest.approx(speed, rel=1e-3)


def test_a_person_reads_parts_and_a_summary(run_cli: RunCli, tmp_path: Path) -> None:
    records, rejected = tmp_path / "records", tmp_path / "rejected"
    kept = ("--records", records, "--save-rejected", rejected, "--part-length", "50")
    result = run_cli("line", DEMO_BUNDLE, *SMALL, "--min-area", "0", "--metres", "0.2", *kept)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("part 1 at 0.000 to 0.050 m: ")
    assert any("strips, 0.2 m" in line for line in lines)
    assert "note: Demo weights" in result.err
    recorded = [json.loads(line) for line in (records / "line.jsonl").read_text().splitlines()]
    pictures = {f"part-{part['picture']}.png" for part in recorded if part.get("picture")}
    assert pictures == {path.name for path in rejected.iterdir()}
    assert len(pictures) == sum(part.get("verdict") == "reject" for part in recorded) > 0


def test_a_line_that_cannot_hold_its_deadline_says_so(run_cli: RunCli) -> None:
    arguments = ("--line-speed", "10000", "--deadline", "0.001", "--parts", "2")
    result = run_cli("line", DEMO_BUNDLE, *SMALL, *arguments)
    assert result.code == 0
    assert result.out.count(" LATE") == 2
    assert "2 late" in result.out


def test_an_image_that_cannot_be_read_rejects_its_parts(
    run_cli: RunCli, strips: Path, tmp_path: Path
) -> None:
    web = shutil.copytree(strips, tmp_path / "web")
    (web / "2.png").write_bytes(b"no image")
    result = run_cli("line", DEMO_BUNDLE, "--source", web, "--min-area", "2000", "--json")
    assert result.code == 0
    parts, summary = parse(result)
    assert "rows 1024 to 1535 were not inspected" in parts[2]["reason"]
    assert (summary["refused"], summary["lost_rows"]) == (1, 512)
    assert "2.png" in result.err


def test_images_of_which_none_can_be_read_are_no_good_web(run_cli: RunCli, tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"no image")
    result = run_cli("line", DEMO_BUNDLE, "--source", tmp_path, "--json")
    assert result.code == 8
    parts, summary = parse(result)
    assert [part["verdict"] for part in parts] == ["reject", "reject"]
    assert (summary["parts"], summary["refused"], summary["lost_rows"]) == (2, 2, 1024)
    assert "2.png" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--source", "nowhere"), 2, "no folder or image here"),
        (("--source", "synthetic:dagm"), 2, "synthetic:fabric"),
        (("--source", "video:nowhere.avi"), 2, "no video here"),
        (("--source", "images", "--line-speed", "20"), 2, "--mm-per-px"),
        (("--source", "synthetic:fabric", "--drop-left", "16"), 2, "tile columns 0 to 15"),
        (("--source", "images", "--drop-left", "1"), 2, "tile columns 0 to 0"),
        (("--source", "."), 8, "holds no images"),
    ],
)
def test_what_cannot_be_is_refused(
    run_cli: RunCli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    save(tmp_path / "images" / "1.png", np.zeros((8, 8), np.uint8))
    run_cli("line", DEMO_BUNDLE, *arguments, "--json").refused(code, words)


def test_a_camera_of_another_width_ends_it(run_cli: RunCli, tmp_path: Path) -> None:
    for index in range(12):
        save(tmp_path / f"{index:02}.png", np.zeros((64, 512 if index == 0 else 500), np.uint8))
    result = run_cli("line", DEMO_BUNDLE, "--source", tmp_path, "--json")
    assert result.code == 8
    assert "10 strips in a row could not be used; the last: " in result.err
    assert "10.png is 500 px wide, and the web 512." in result.err
    _, summary = parse(result)
    assert summary["refused"] == 10


def test_a_bundle_that_is_not_there_is_refused(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("line", tmp_path / "no.edgekit", *SMALL).refused(2, "there is no bundle here")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "1e308", "1e-308"])
@pytest.mark.parametrize(
    "option", ["--part-length", "--line-speed", "--mm-per-px", "--deadline", "--stall", "--metres"]
)
def test_what_is_no_amount_is_refused(run_cli: RunCli, option: str, value: str) -> None:
    result = run_cli("line", DEMO_BUNDLE, *SMALL, option, value)
    assert (result.code, result.out) == (2, "")
    assert f"Invalid value for '{option}'" in result.err


def test_one_strip_is_one_strip(run_cli: RunCli) -> None:
    result = run_cli("line", DEMO_BUNDLE, *SMALL, "--strip-rows", "512", "--parts", "1")
    assert "1 strip, 0.163 m, 1 tile in" in result.out
    assert "\n1 part, " in result.out


def test_a_source_that_is_slower_than_the_line_is_said(run_cli: RunCli) -> None:
    arguments = ("--line-speed", "1000000", "--policy", "newest-wins", "--waiting", "2", "--parts", "2")
    result = run_cli("line", DEMO_BUNDLE, *SMALL, *arguments)
    assert "strips could not be had at this speed: the web stood still for" in result.out
    _, summary = parse(run_cli("line", DEMO_BUNDLE, *SMALL, *arguments, "--json"))
    assert summary["source_stood_still_s"] > 0


@pytest.mark.slow  # starts processes
@pytest.mark.parametrize("form", ["--json", "--quiet"])
def test_a_reader_that_goes_away_ends_it_cleanly(tmp_path: Path, form: str) -> None:
    words = [sys.executable, "-m", "edgekit", "line", str(DEMO_BUNDLE), *SMALL, form, "--records", "records"]
    command = f"{' '.join(words)} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert b"Error" not in done.stderr
    recorded = [json.loads(line) for line in (tmp_path / "records/line.jsonl").read_text().splitlines()]
    assert recorded[-1]["kind"] == "summary"


@pytest.mark.slow  # starts a process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [
        sys.executable,
        "-m",
        "edgekit",
        "line",
        str(DEMO_BUNDLE),
        *SMALL,
        "--json",
        "--records",
        "records",
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    documents = [json.loads(line) for line in (first + out).splitlines()]
    assert documents[-1]["kind"] == "summary"
    assert documents[-2]["y2"] == documents[-1]["rows"]  # what was captured is judged
    recorded = [json.loads(line) for line in (tmp_path / "records/line.jsonl").read_text().splitlines()]
    assert recorded[-1]["kind"] == "summary"
