"""The run folder: its record, and what is no run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.data import OpenOptions
from edgekit.train.recipes import get_recipe
from edgekit.train.run_folder import RunFolder, RunRecord
from edgekit_runtime.errors import CheckpointError, IoFault, UsageProblem

RECORD = RunRecord(
    "cheapnet-s", get_recipe("cheapnet", "short"), 3, "synthetic:dagm/6", OpenOptions(True), split_seed=4
)


def test_the_record_survives(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "a")
    folder.create(RECORD)
    assert folder.read() == RECORD


def test_an_empty_folder_is_new(tmp_path: Path) -> None:
    RunFolder(tmp_path).require_new()


def test_a_run_that_is_there_says_how_to_go_on(tmp_path: Path) -> None:
    RunFolder(tmp_path / "a").create(RECORD)
    with pytest.raises(UsageProblem) as caught:
        RunFolder(tmp_path / "a").create(RECORD)
    assert f"--resume {tmp_path / 'a'}" in caught.value.remedy


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageProblem):
        RunFolder(tmp_path / "a").create(RECORD)
    with pytest.raises(IoFault):
        RunFolder(tmp_path / "a" / "b").create(RECORD)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "7", "{}", '{"schema": "edgekit.run/2"}', '{"schema": "edgekit.run/1"}']
)
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageProblem, match="no training run"):
        RunFolder(tmp_path).read()


def test_a_missing_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no training run"):
        RunFolder(tmp_path / "nowhere").read()


def test_metrics_are_written_anew_each_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_history([{"epoch": 1}, {"epoch": 2}, {"epoch": 3}])
    folder.write_history([{"epoch": 1}])
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1}]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize("text", ["", "[1", "{"])
def test_a_damaged_history_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "history.json").write_text(text)
    with pytest.raises(CheckpointError):
        RunFolder(tmp_path).read_history()
