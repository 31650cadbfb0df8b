"""`edgekit train`, on a folder of tiny images; a real kill among it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.checkpoints import load_checkpoint
from tests.edgekit.conftest import RunCli
from tests.edgekit.image_folders import draw_plate, save, write_image_folder, write_png_header

QUICK = ("--model", "cheapnet-s", "--recipe", "quick", "--epochs", "1", "--quiet")


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    return write_image_folder(tmp_path / "plates", count=12, size=(32, 48))


def test_a_run_prints_its_best_checkpoint(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    result = run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", "--seed", 3)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{tmp_path / 'run' / 'best'}\n"
    record, _ = load_checkpoint(tmp_path / "run" / "best")
    assert record.training["seed"] == 3
    assert record.training["recipe"]["schedule"] == "quick"
    assert record.training["recipe"]["epochs"] == 1


def test_json_and_notes(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    result = run_cli("train", *QUICK[:-1], "--data", plates, "--out", tmp_path / "run", "--json")
    document = json.loads(result.out)
    assert document["schema"] == "edgekit.train/1"
    assert document["checkpoint"] == str(tmp_path / "run" / "best")
    assert 0 <= document["best"]["miou"] <= 1
    assert "epoch 1/1: loss" in result.err


def test_the_default_folder_names_model_and_recipe(
    run_cli: RunCli, plates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("train", *QUICK, "--data", plates).out == "runs/cheapnet-s-quick/best\n"


def test_an_existing_run_is_refused_and_says_how_to_go_on(
    run_cli: RunCli, plates: Path, tmp_path: Path
) -> None:
    arguments = ("train", *QUICK, "--data", plates, "--out", tmp_path / "run")
    assert run_cli(*arguments).code == 0
    run_cli(*arguments).refused(2, "not empty", f"--resume {tmp_path / 'run'}")


def test_a_finished_run_may_be_resumed(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    assert run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run").code == 0
    assert run_cli("train", "--resume", tmp_path / "run", "--quiet").code == 0


@pytest.mark.parametrize(
    "choice",
    [
        ("--model", "cheapnet-s"),
        ("--data", "x"),
        ("--epochs", "9"),
        ("--out", "x"),
        ("--include-normal",),
        ("--recipe", "paper"),
        ("--seed", "3"),
        ("--learning-rate", "0.1"),
        ("--augment", "flip"),
        ("--teacher", "x"),
        ("--init", "x"),
        ("--folds", "4"),
        ("--shards", "2"),
        ("--split-seed", "1"),
        ("--distil-logits", "0.3"),
        ("--boxes-as-masks",),
        ("--end-to-end",),
        ("--exit-weights", "plain"),
    ],
)
def test_resuming_takes_no_other_choice(run_cli: RunCli, tmp_path: Path, choice: tuple[str, ...]) -> None:
    run_cli("train", "--resume", tmp_path, *choice).refused(2, "no other choice")


def test_what_is_no_run_is_not_resumed(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("train", "--resume", tmp_path).refused(2, "no training run")


def test_changed_data_are_refused(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    assert run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run").code == 0
    save(plates / "images" / "plate-01.png", np.zeros((32, 48), np.uint8))
    run_cli("train", "--resume", tmp_path / "run", "--quiet").refused(8, "have changed")


def test_resuming_takes_what_changes_how_it_runs(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    assert run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run").code == 0
    result = run_cli("train", "--resume", tmp_path / "run", "--device", "cpu", "--json")
    assert json.loads(result.out)["checkpoint"] == str(tmp_path / "run" / "best")
    assert "was complete already" in result.err


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda data: data.update(colour="red"), "unknown key 'colour'"),
        (lambda data: data["recipe"].update(epochs="many"), "epochs must be int"),
        (lambda data: data["recipe"]["optimiser"].update(learning_rate=float("nan")), "must be finite"),
        (lambda data: data["recipe"]["optimiser"].update(learning_rate=10**400), "must be finite"),
        (lambda data: data["recipe"]["optimiser"].update(learning_rate=-1), "learning rate"),
        (lambda data: data["recipe"].update(augmentation=["blur"]), "blur"),
        (lambda data: data.update(model="cheapnet-q"), "cheapnet-q"),
        (lambda data: data.update(seed=-1), "seed"),
        (lambda data: data.update(seed=2**64), "seed"),
        (lambda data: data.update(shards=0), "shard"),
        (lambda data: data["split"].update(folds=2, fold=1), "folds"),
        (lambda data: data["split"].update(folds=4, fold=-1), "folds"),
    ],
)
def test_a_record_that_was_edited_is_a_usage_problem(
    run_cli: RunCli, plates: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], word: str
) -> None:
    assert run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run").code == 0
    path = tmp_path / "run" / "run.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))
    run_cli("train", "--resume", tmp_path / "run", "--quiet").refused(2, word)


@pytest.mark.parametrize("missing", ["--model", "--data"])
def test_model_and_data_must_be_named(run_cli: RunCli, missing: str) -> None:
    arguments = {"--model": "cheapnet-s", "--data": "synthetic:dagm/6"}
    del arguments[missing]
    run_cli("train", *[word for pair in arguments.items() for word in pair]).refused(2, "--model and --data")


@pytest.mark.parametrize(
    ("data", "code"),
    [("nowhere", 8), ("synthetic:steel", 2), ("synthetic:dagm/11", 2), ("synthetic:dagm/²", 2)],
)
def test_data_that_do_not_exist(run_cli: RunCli, tmp_path: Path, data: str, code: int) -> None:
    run_cli("train", *QUICK, "--data", data, "--out", tmp_path / "run").refused(code)
    assert not (tmp_path / "run").exists()


def empty_the_images(plates: Path) -> None:
    for path in (plates / "images").iterdir():
        path.unlink()


BAD_FOLDERS = {
    "an empty folder": (empty_the_images, "holds no images"),
    "a damaged image": (lambda p: (p / "images/plate-03.png").write_bytes(b"no"), "plate-03.png"),
    "an image with alpha": (
        lambda p: save(p / "images/plate-03.png", np.zeros((32, 48, 4), np.uint8)),
        "RGBA",
    ),
    "a 16-bit image": (lambda p: save(p / "images/plate-03.png", np.zeros((32, 48), np.uint16)), "16-bit"),
    "a colour image for a grey network": (
        lambda p: save(p / "images/plate-03.png", np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3)),
        "plate-03: The image is in colour",
    ),
    "no defect at all": (
        lambda p: [save(path, np.zeros((32, 48), np.uint8)) for path in (p / "masks").iterdir()],
        "shows no defect",
    ),
    "a huge claim": (lambda p: write_png_header(p / "images/plate-03.png", 60_000, 60_000), "plate-03.png"),
    "a mask of another size": (
        lambda p: save(p / "masks/plate-03.png", np.zeros((48, 32), np.uint8)),
        "plate-03.png",
    ),
    "a grey mask": (lambda p: save(p / "masks/plate-03.png", np.full((32, 48), 77, np.uint8)), "77"),
    "a missing mask": (lambda p: (p / "masks/plate-03.png").unlink(), "plate-03.png"),
    "images of one value": (
        lambda p: [save(path, np.full((32, 48), 9, np.uint8)) for path in (p / "images").iterdir()],
        "copies",
    ),
}


@pytest.mark.parametrize("case", list(BAD_FOLDERS))
def test_bad_data_are_refused_before_anything_is_written(
    run_cli: RunCli, plates: Path, tmp_path: Path, case: str
) -> None:
    spoil, word = BAD_FOLDERS[case]
    spoil(plates)
    # Seed 6 puts plate-03 into the training part.
    run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", "--seed", 6).refused(8, word)
    assert not (tmp_path / "run").exists()


def test_images_of_any_size_are_taken(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    for index, size in ((1, (48, 48)), (3, (30, 50)), (5, (17, 90))):
        image, mask = draw_plate(index, size)
        save(plates / "images" / f"plate-{index:02}.png", image)
        save(plates / "masks" / f"plate-{index:02}.png", mask)
    assert run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", "--seed", 6).code == 0


def test_too_few_images_are_refused(run_cli: RunCli, tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "few", count=2, size=(32, 32))
    run_cli("train", *QUICK, "--data", data, "--out", tmp_path / "run").refused(8, "too few")


def test_a_run_that_diverges_says_what_to_do(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    arguments = ("--data", plates, "--out", tmp_path / "run", "--learning-rate", "1e30")
    run_cli("train", *QUICK[:-3], "--epochs", "3", "--quiet", *arguments).refused(
        8, "Epoch 1: The loss became", "--learning-rate"
    )


def read_record(run: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((run / "run.json").read_text())
    return data


def test_a_fold_is_recorded_and_eval_finds_its_test_part_again(
    run_cli: RunCli, plates: Path, tmp_path: Path
) -> None:
    fingerprints = set()
    for fold in (0, 1):
        run = tmp_path / str(fold)
        words = ("--folds", 4, "--fold", fold, "--split-seed", 7)
        assert run_cli("train", *QUICK, "--data", plates, "--out", run, *words).code == 0
        record, _ = load_checkpoint(run / "best")
        assert (record.data.split.seed, record.data.split.folds, record.data.split.fold) == (7, 4, fold)
        assert read_record(run)["split"] == {"seed": 7, "folds": 4, "fold": fold}
        document = json.loads(run_cli("eval", run / "best", "--data", plates, "--json").out)
        assert document["split"] == "test"
        assert document["fingerprint"] == record.data.parts["test"]
        fingerprints.add(document["fingerprint"])
    assert len(fingerprints) == 2


@pytest.mark.parametrize("words", [("--folds", "4"), ("--fold", "1")])
def test_folds_and_fold_go_together(
    run_cli: RunCli, plates: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", *words).refused(2, "go together")


def test_a_fold_beyond_the_folds_is_refused(run_cli: RunCli, plates: Path, tmp_path: Path) -> None:
    words = ("--folds", 4, "--fold", 4)
    run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", *words).refused(2, "4 of 4")


def test_tensorboard_that_is_not_installed_names_the_extra(
    run_cli: RunCli, plates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    arguments = ("train", *QUICK, "--data", plates, "--out", tmp_path / "run", "--tensorboard")
    run_cli(*arguments).refused(6, "tensorboard", "edgekit[tensorboard]")
    assert not (tmp_path / "run").exists()


def test_more_shards_than_images_in_a_batch_are_refused(
    run_cli: RunCli, plates: Path, tmp_path: Path
) -> None:
    words = ("--shards", 3, "--batch-size", 2)
    run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", *words).refused(
        2, "2 images cannot be shared by 3", "--batch-size"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("device", "code"), [("cuda:77", 5), ("jetson", 2), ("tpu", 2)])
def test_no_other_device_than_asked(
    run_cli: RunCli, plates: Path, tmp_path: Path, device: str, code: int
) -> None:
    run_cli("train", *QUICK, "--data", plates, "--out", tmp_path / "run", "--device", device).refused(code)
    assert not (tmp_path / "run").exists()


START = """
import signal
from edgekit.cli.main import run

# A shell that starts the tests in the background has them, and their children, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
run()
"""


def start_training(*words: object, log: Path) -> subprocess.Popen[bytes]:
    """Start `edgekit train` in a process of its own; stderr goes to the log."""
    with log.open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-c", START, "train", *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def read_metrics(run: Path) -> list[dict[str, object]]:
    """Return what metrics.jsonl says, without what the machine's speed decides."""
    path = run / "metrics.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]


def signal_after(epochs: int, run: Path, process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Send a signal when some epochs are written and return the exit status."""
    for _ in range(30_000):
        if len(read_metrics(run)) >= epochs or process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(number)
    return process.wait(timeout=60)


@pytest.mark.slow
def test_a_killed_run_goes_on_exactly(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(64, 64))
    words = ("--model", "cheapnet-s", "--data", data, "--recipe", "quick", "--epochs", 6)
    whole, killed, log = tmp_path / "whole", tmp_path / "killed", tmp_path / "log"
    process = start_training(*words, "--out", killed, log=log)
    assert signal_after(2, killed, process, signal.SIGKILL) == -signal.SIGKILL, log.read_text()
    assert 2 <= len(read_metrics(killed)) < 6, "killed too late to show anything"
    assert start_training(*words, "--out", whole, log=log).wait(timeout=300) == 0, log.read_text()
    assert start_training("--resume", killed, log=log).wait(timeout=300) == 0, log.read_text()
    assert read_metrics(killed) == read_metrics(whole)
    for file in ("best/model.safetensors", "last/model.safetensors", "last/optimiser.safetensors"):
        assert (killed / file).read_bytes() == (whole / file).read_bytes(), file
    # Nothing of the killed writer is left beside the checkpoints.
    assert {path.name for path in killed.iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(64, 64))
    run, log = tmp_path / "run", tmp_path / "log"
    process = start_training("--model", "cheapnet-s", "--data", data, "--out", run, log=log)
    assert signal_after(1, run, process, signal.SIGINT) == 130, log.read_text()
    said = log.read_text()
    assert f"edgekit train --resume {run}" in said
    assert "Traceback" not in said
