"""The run folder: its record, and what is no run."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.data import OpenOptions
from edgekit.train.recipe import Distillation, Sampling
from edgekit.train.recipes import get_recipe
from edgekit.train.run_folder import CheckpointRef, RunFolder, RunRecord, SplitChoice
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import CheckpointError, IoFault, UsageProblem

RECORD = RunRecord(
    "cheapnet-s",
    get_recipe("cheapnet", "short"),
    3,
    "synthetic:dagm/6",
    OpenOptions(True),
    SplitChoice(4),
)
FULL = replace(
    RECORD,
    recipe=replace(
        RECORD.recipe,
        augmentation=("rot90", "flip"),
        sampling=Sampling(10, 0.5, 64, 0.25),
        average_decay=0.99,
        patience=3,
        distillation=Distillation(0.25, 2.0, 4.0),
        autocast="bfloat16",
    ),
    options=OpenOptions(None, boxes_as_masks=True, pixels=PixelFormat(grey="bt601", bits=12, scale=3000.0)),
    split=SplitChoice(4, 5, 2),
    shards=2,
    init=CheckpointRef("runs/a/best", "ab" * 32),
    teacher=CheckpointRef("runs/b/best", "cd" * 32),
)


def make(path: Path, record: RunRecord = RECORD) -> RunFolder:
    folder = RunFolder(path)
    folder.make()
    folder.write_record(record)
    return folder


@pytest.mark.parametrize("record", [RECORD, FULL], ids=["plain", "full"])
def test_the_record_survives(tmp_path: Path, record: RunRecord) -> None:
    assert make(tmp_path / "runs" / "a", record).read() == record


def test_a_person_can_read_the_record(tmp_path: Path) -> None:
    make(tmp_path / "a", FULL)
    data = json.loads((tmp_path / "a" / "run.json").read_text())
    assert data["schema"] == "edgekit.run/1"
    assert data["recipe"]["optimiser"]["learning_rate"] == FULL.recipe.optimiser.learning_rate
    assert data["split"] == {"seed": 4, "folds": 5, "fold": 2}
    assert data["teacher"] == {"path": "runs/b/best", "weights_sha256": "cd" * 32}


def test_an_empty_folder_is_new_and_so_is_one_that_only_a_lock_was_left_in(tmp_path: Path) -> None:
    RunFolder(tmp_path).require_new()
    (tmp_path / ".lock").write_bytes(b"")
    RunFolder(tmp_path).make()


def test_a_run_that_is_there_says_how_to_go_on(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UsageProblem) as caught:
        RunFolder(tmp_path / "a").make()
    assert f"--resume {tmp_path / 'a'}" in caught.value.remedy


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageProblem):
        RunFolder(tmp_path / "a").make()
    with pytest.raises(IoFault):
        RunFolder(tmp_path / "a" / "b").make()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "7",
        "{}",
        '{"schema": "edgekit.run/2"}',
        '{"schema": "edgekit.run/1"}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageProblem, match="no training run"):
        RunFolder(tmp_path).read()


def put(*place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(data: dict[str, Any]) -> None:
        for key in place[:-1]:
            data = data[key]
        data[place[-1]] = value

    return edit


EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an unknown key": (put("colour", value="red"), "unknown key 'colour'"),
    "an unknown key of the recipe": (put("recipe", "dropout", value=0.5), "unknown key 'dropout'"),
    "a missing key": (lambda data: data.pop("seed"), "lacks the key 'seed'"),
    "a text for a number": (put("seed", value="3"), "seed must be int"),
    "a number for a text": (put("model", value=3), "model must be str"),
    "a fraction of an epoch": (put("recipe", "epochs", value=2.5), "epochs must be int"),
    "NaN": (put("recipe", "optimiser", "learning_rate", value=math.nan), "must be finite"),
    "infinity": (put("recipe", "course", "gamma", value=math.inf), "must be finite"),
    "an integer beyond floats": (
        put("recipe", "optimiser", "learning_rate", value=10**400),
        "must be finite",
    ),
    "another optimiser": (put("recipe", "optimiser", "name", value="lion"), "lion"),
    "a list for an object": (put("split", value=[1]), "split must be"),
    "null": (put("recipe", value=None), "recipe must be"),
    "true": (put("shards", value=True), "shards must be int"),
}


@pytest.mark.parametrize("case", list(EDITS))
def test_an_edited_record_is_refused_in_words(tmp_path: Path, case: str) -> None:
    edit, word = EDITS[case]
    folder = make(tmp_path / "a", FULL)
    path = tmp_path / "a" / "run.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))
    with pytest.raises(UsageProblem, match="no training run that can be resumed") as caught:
        folder.read()
    assert word in caught.value.message


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


def test_a_full_disk_leaves_the_metrics_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    folder.write_history([{"epoch": 1}])

    def fill(path: Path, text: str) -> int:
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(IoFault, match=r"metrics\.jsonl cannot be written: No space"):
        folder.write_history([{"epoch": 1}, {"epoch": 2}])
    assert (tmp_path / "metrics.jsonl").read_text() == '{"epoch": 1}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize(
    "text", ["", "[1", "{", "[7]", '[{"epoch": 2}]', '[{"epoch": 1}, {"epoch": 3}]', "[{}]"]
)
def test_a_damaged_history_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "history.json").write_text(text)
    with pytest.raises(CheckpointError):
        RunFolder(tmp_path).read_history()


def test_a_run_of_an_earlier_release_had_pixels_of_8_bits(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    folder.write_record(RECORD)
    path = folder.path / "run.json"
    content = json.loads(path.read_text())
    del content["options"]["pixels"]
    path.write_text(json.dumps(content))
    assert folder.read() == RECORD
