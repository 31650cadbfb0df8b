"""Real processes started by torchrun: the same run as one process that accumulates the same shards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.checkpoints import load_checkpoint
from edgekit.reporting import Reporter
from tests.edgekit.image_folders import write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe, without_seconds
from tests.edgekit.train.small_networks import SMALL_EXITS, register_small

pytestmark = pytest.mark.slow

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
TIMEOUT_S = 240
"""A hang is a failure, not an endless test."""

# Ten drawn images in batches of three: every shard but the first is smaller, and the last batch is one image.
OPTIONS = (
    *("--model", "cheapnet-s", "--recipe", "quick", "--epochs", "2", "--batch-size", "3", "--seed", "1"),
    *("--images-per-epoch", "10", "--augment", "flip", "--optimiser", "sgd", "--learning-rate", "0.05"),
)

ONE_RANK_FAILS = """
import os, sys
from edgekit.cli.main import main
from edgekit.train import segmentation

if os.environ["RANK"] == "1":
    find, calls = segmentation.Segmentation.loss, []

    def spoil(self, outputs, batch):
        calls.append(batch)
        value = find(self, outputs, batch)
        return value * float("nan") if len(calls) == 6 else value

    segmentation.Segmentation.loss = spoil
sys.exit(main(sys.argv[1:]))
"""

THREADS_ARE_LISTED = """
import sys
from pathlib import Path
from edgekit.cli.main import main

code = main(sys.argv[1:])
for thread in Path("/proc/self/task").iterdir():
    print("thread", (thread / "comm").read_text().strip(), file=sys.stderr)
sys.exit(code)
"""


IN_PHASES = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from edgekit.cli.main import main
from edgekit.models import MODELS
from edgekit.train.recipes import RECIPES
from tests.edgekit.train.runs import phased_recipe
from tests.edgekit.train.small_networks import SMALL_EXITS

MODELS.add(SMALL_EXITS)
RECIPES["dinet", "quick"] = phased_recipe()
sys.exit(main(sys.argv[1:]))
"""


def launch(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def train_by(processes: int, *words: object) -> subprocess.CompletedProcess[str]:
    if processes == 1:
        return launch(sys.executable, "-m", "edgekit", "train", *words)
    return launch(*TORCHRUN, processes, "-m", "edgekit", "train", *words)


def read_history(run: Path) -> list[dict[str, Any]]:
    return without_seconds([json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()])


FIGURES = ("train_loss", "val_loss", "miou", "macc", "learning_rate")


def assert_same_run(first: Path, second: Path, figures: Sequence[str] = FIGURES) -> None:
    """Weights and running statistics agree to 1e-5, and so do the figures.

    The sums of two shards' gradients are the same numbers in another order: a few units of float32 per step, here of
    weights below 2 over eight steps of plain SGD (Adam would blow up the rounding of gradients near 0).
    """
    for part in ("best", "last"):
        (record, ours), (other, theirs) = (load_checkpoint(run / part) for run in (first, second))
        assert record.training["epoch"] == other.training["epoch"]
        assert ours.keys() == theirs.keys()
        assert any("running_var" in name for name in ours)
        for name, tensor in ours.items():
            assert torch.allclose(tensor, theirs[name], rtol=1e-5, atol=1e-5), name
    for ours, theirs in zip(read_history(first), read_history(second), strict=True):
        for key in figures:
            assert ours[key] == pytest.approx(theirs[key], rel=1e-5), key


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image_folder(tmp_path_factory.mktemp("data") / "plates", count=14, size=(32, 40))


def test_two_processes_equal_one_that_accumulates_their_shards(plates: Path, tmp_path: Path) -> None:
    two = train_by(2, *OPTIONS, "--data", plates, "--out", tmp_path / "two")
    assert two.returncode == 0, two.stderr
    one = train_by(1, *OPTIONS, "--data", plates, "--out", tmp_path / "one", "--shards", 2)
    assert one.returncode == 0, one.stderr
    assert_same_run(tmp_path / "one", tmp_path / "two")
    assert json.loads((tmp_path / "one" / "run.json").read_text())["shards"] == 2
    assert (tmp_path / "one" / "split.json").read_bytes() == (tmp_path / "two" / "split.json").read_bytes()
    # One process speaks: the same words as a process alone.
    assert two.stdout == f"{tmp_path / 'two' / 'best'}\n"
    notes = [line for line in two.stderr.splitlines() if line in one.stderr.splitlines()]
    assert [line[:9] for line in notes if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert "Warning" not in two.stderr
    # One process writes: nothing that the other folder does not have.
    assert {path.name for path in (tmp_path / "two").rglob("*")} == {
        path.name for path in (tmp_path / "one").rglob("*")
    }


def test_two_processes_train_in_phases_as_one_does(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network drops, too: what a shard draws does not depend on the process that it is on."""
    script = tmp_path / "train.py"
    script.write_text(IN_PHASES)
    register_small(monkeypatch, SMALL_EXITS)  # for the checkpoints that are read here
    words = (
        "train",
        "--model",
        "small-exits",
        "--recipe",
        "quick",
        "--data",
        class_folders,
        "--batch-size",
        9,
    )
    options = (*words, "--optimiser", "sgd", "--learning-rate", 0.05, "--augment", "flip")
    two = launch(*TORCHRUN, 2, script, *options, "--out", tmp_path / "two")
    assert two.returncode == 0, two.stderr
    one = launch(sys.executable, script, *options, "--out", tmp_path / "one", "--shards", 2)
    assert one.returncode == 0, one.stderr
    assert_same_run(tmp_path / "one", tmp_path / "two", figures=("train_loss", "val_loss", "learning_rate"))
    phases = [entry["phase"] for entry in read_history(tmp_path / "two")]
    assert phases == ["final", "final", "early", "early"]


class _Stop(BaseException):
    pass


class _StoppingReporter(Reporter):
    """Ends the run after its first epoch."""

    def note(self, text: str) -> None:
        if text.startswith("epoch 1/"):
            raise _Stop


def test_what_one_process_began_two_go_on_with(plates: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=2, batch_size=3, optimiser=tiny_recipe(learning_rate=0.02).optimiser)
    make_trainer(tmp_path / "whole", plates, recipe=recipe, shards=2).start()
    with pytest.raises(_Stop):
        make_trainer(
            tmp_path / "run", plates, recipe=recipe, shards=2, reporter=_StoppingReporter(quiet=True)
        ).start()
    done = train_by(2, "--resume", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert len(read_history(tmp_path / "run")) == 2
    first, second = (read_history(tmp_path / name) for name in ("whole", "run"))
    assert first[0] == second[0]
    assert first[1]["train_loss"] == pytest.approx(second[1]["train_loss"], rel=1e-4)


def test_a_loss_that_is_no_number_on_one_process_ends_them_all(plates: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(ONE_RANK_FAILS)
    failed = launch(*TORCHRUN, 2, script, "train", *OPTIONS, "--data", plates, "--out", tmp_path / "run")
    assert failed.returncode != 0
    assert "edgekit: Epoch 2: The loss became nan in the batch plate-" in failed.stderr
    assert failed.stdout == ""
    assert load_checkpoint(tmp_path / "run" / "last")[0].training["epoch"] == 1
    resumed = train_by(1, "--resume", tmp_path / "run")
    assert resumed.returncode == 0, resumed.stderr
    assert len(read_history(tmp_path / "run")) == 2


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed in Linux's /proc")
def test_no_thread_of_the_process_group_outlives_the_training(plates: Path, tmp_path: Path) -> None:
    """One that did ended one run in thirty in an abort: it woke when the interpreter had gone."""
    script = tmp_path / "train.py"
    script.write_text(THREADS_ARE_LISTED)
    done = launch(*TORCHRUN, 2, script, "train", *OPTIONS, "--data", plates, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    threads = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("thread ")]
    assert len(threads) >= 2, "every process lists at least its own"
    assert not [name for name in threads if "gloo" in name], threads


def test_other_numbers_of_processes_than_shards_are_refused(plates: Path, tmp_path: Path) -> None:
    refused = train_by(2, *OPTIONS, "--data", plates, "--out", tmp_path / "run", "--shards", 3)
    assert refused.returncode != 0
    assert "begun with 3 shards per batch; here are 2 processes" in refused.stderr
    assert not (tmp_path / "run").exists()


def test_two_runs_that_begin_at_once_in_one_folder_one_is_refused(plates: Path, tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "edgekit",
        "train",
        *OPTIONS,
        "--data",
        str(plates),
        "--out",
        str(tmp_path / "run"),
    ]
    started = [
        subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]
    ended = [(process.communicate(timeout=TIMEOUT_S)[1], process.returncode) for process in started]
    assert sorted(code for _, code in ended) == [0, 2], ended
    [refusal] = [text for text, code in ended if code == 2]
    assert "Another process is training in" in refusal or "not empty" in refusal
    assert "Traceback" not in refusal
    assert len(read_history(tmp_path / "run")) == 2
