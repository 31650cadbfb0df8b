"""How a run fails: in words, with the last good checkpoint on the disk, and resumable."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgekit.checkpoints import load_checkpoint
from edgekit.reporting import Reporter
from edgekit.train import phase_training, sample_store
from edgekit.train.engine import Trainer
from edgekit.train.recipe import Optimiser, Sampling
from edgekit_runtime.errors import DatasetError, IoFault, TrainingDiverged, UnusableInput
from tests.edgekit.image_folders import save, write_image_folder
from tests.edgekit.train.runs import make_trainer, tiny_recipe

pytestmark = pytest.mark.usefixtures("no_pictures")


class ActingReporter(Reporter):
    """Does something after an epoch was written."""

    def __init__(self, after_epoch: int, act: Callable[[], object]) -> None:
        super().__init__(quiet=True)
        self.after_epoch = after_epoch
        self.act = act

    def note(self, text: str) -> None:
        if text.startswith(f"epoch {self.after_epoch}/"):
            self.act()


def assert_resumes_to(whole: Path, run: Path, resume: Callable[[], object]) -> None:
    """The run holds epoch 1 and nothing half-written, and its resumed end is that of the whole run."""
    assert load_checkpoint(run / "last")[0].training["epoch"] == 1
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1
    assert [path.name for path in run.iterdir() if "tmp" in path.name] == []
    resume()
    for file in (
        "last/model.safetensors",
        "last/optimiser.safetensors",
        "best/model.safetensors",
        "metrics.jsonl",
    ):
        assert (run / file).read_bytes() == (whole / file).read_bytes(), file


# Data


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_file_that_is_damaged_during_a_run_is_named_and_the_run_goes_on_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(32, 32))
    recipe = tiny_recipe(epochs=3)
    make_trainer(tmp_path / "whole", data, recipe=recipe).start()
    monkeypatch.setattr(sample_store, "CACHE_LIMIT_BYTES", 0)
    first = make_trainer(tmp_path / "run", data, recipe=recipe)
    path = data / folder / f"{first.run.split.names(first.run.dataset)['train'][2]}.png"
    content = path.read_bytes()
    damage = ActingReporter(1, lambda: path.write_bytes(content[: len(content) // 2]))
    with pytest.raises(UnusableInput) as caught:
        make_trainer(tmp_path / "run", data, recipe=recipe, reporter=damage).start()
    assert path.name in caught.value.message
    assert caught.value.exit_code == 8
    path.write_bytes(content)
    assert_resumes_to(
        tmp_path / "whole",
        tmp_path / "run",
        lambda: make_trainer(tmp_path / "run", data, recipe=recipe).resume(),
    )


def test_a_share_of_a_kind_that_is_absent_is_told(image_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(sampling=Sampling(defective_share=0.5))
    with pytest.raises(DatasetError, match="no defect-free image"):
        make_trainer(tmp_path / "run", image_folder, recipe=recipe).start()


def test_a_class_that_is_absent_is_told_before_anything_is_written(tmp_path: Path) -> None:
    data = write_image_folder(tmp_path / "plates", count=12, size=(16, 16))
    for path in (data / "masks").iterdir():
        save(path, np.zeros((16, 16), np.uint8))
    with pytest.raises(DatasetError, match="shows no defect"):
        make_trainer(tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


# The disk


def fail_the_second_write(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """The second time a checkpoint of this name is written, its weights find the disk full."""
    write = Path.write_bytes
    times = []

    def write_or_fail(path: Path, content: bytes) -> int:
        if path.name == "model.safetensors" and path.parent.name.startswith(f".{folder}.tmp-"):
            times.append(path)
            if len(times) == 2:
                write(path, content[: len(content) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_or_fail)


def test_a_full_disk_at_a_checkpoint_leaves_the_one_before(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(epochs=3)
    make_trainer(tmp_path / "whole", image_folder, recipe=recipe).start()
    with monkeypatch.context() as patched:
        fail_the_second_write(patched, "last")
        with pytest.raises(IoFault, match="last cannot be written: No space left on device") as caught:
            make_trainer(tmp_path / "run", image_folder, recipe=recipe).start()
    assert caught.value.exit_code == 7
    assert "Free some space" in caught.value.remedy
    assert_resumes_to(
        tmp_path / "whole",
        tmp_path / "run",
        lambda: make_trainer(tmp_path / "run", image_folder, recipe=recipe).resume(),
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def test_a_disk_that_is_really_full(image_folder: Path, tmp_path: Path, small_disk: Path) -> None:
    recipe = tiny_recipe(epochs=3)
    make_trainer(tmp_path / "whole", image_folder, recipe=recipe).start()
    filler = small_disk / "filler"
    reporter = ActingReporter(1, lambda: fill(filler))
    with pytest.raises(IoFault, match="No space left on device") as caught:
        make_trainer(small_disk / "run", image_folder, recipe=recipe, reporter=reporter).start()
    assert caught.value.exit_code == 7
    filler.unlink()
    assert_resumes_to(
        tmp_path / "whole",
        small_disk / "run",
        lambda: make_trainer(small_disk / "run", image_folder, recipe=recipe).resume(),
    )


# Numbers


def spoil_loss(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, *, call: int) -> None:
    """The loss of one training step, counted from 1, is NaN."""
    loss = trainer.run.task.loss
    calls = 0

    def find(outputs: torch.Tensor, batch: Any) -> torch.Tensor:
        nonlocal calls
        calls += trainer.state.network.training
        value = loss(outputs, batch)
        return value * float("nan") if calls == call and trainer.state.network.training else value

    monkeypatch.setattr(trainer.run.task, "loss", find)


def test_a_loss_that_is_not_finite_names_epoch_and_batch(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(epochs=3)
    make_trainer(tmp_path / "whole", image_folder, recipe=recipe).start()
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=recipe)
    names: list[tuple[str, ...]] = []
    draw = phase_training.draw_batches
    with monkeypatch.context() as patched:
        spoil_loss(trainer, patched, call=4)
        patched.setattr(
            phase_training,
            "draw_batches",
            lambda *a, **k: (names.append(batch.names) or batch for batch in draw(*a, **k)),
        )
        with pytest.raises(TrainingDiverged) as caught:
            trainer.start()
    # Eight training images in batches of four: the fourth step is the second of epoch 2.
    assert caught.value.message == f"Epoch 2: The loss became nan in the batch {', '.join(names[3])}."
    assert "--learning-rate" in caught.value.remedy
    assert_resumes_to(
        tmp_path / "whole",
        tmp_path / "run",
        lambda: make_trainer(tmp_path / "run", image_folder, recipe=recipe).resume(),
    )


def test_a_run_that_really_diverges_is_told(image_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=3, optimiser=Optimiser("sgd", 1e30))
    with pytest.raises(TrainingDiverged, match=r"[Ee]poch 1"):
        make_trainer(tmp_path / "run", image_folder, recipe=recipe).start()


def test_weights_ruined_by_the_last_step_are_not_saved(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=2))
    validate = trainer.validate

    def ruin_and_validate() -> tuple[float, dict[str, Any]]:
        result = validate()
        if trainer.history:
            with torch.no_grad():
                trainer.state.network.encoder1[0].weight[0, 0, 0, 0] = float("inf")
        return result

    monkeypatch.setattr(trainer, "validate", ruin_and_validate)
    with pytest.raises(TrainingDiverged, match=r"encoder1\.0\.weight .* epoch 2"):
        trainer.start()
    assert load_checkpoint(tmp_path / "run" / "last")[0].training["epoch"] == 1


def test_a_validation_loss_that_is_not_finite_is_told(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path / "run", image_folder)
    validate = trainer.validate
    monkeypatch.setattr(trainer, "validate", lambda: (float("nan"), validate()[1]))
    with pytest.raises(TrainingDiverged, match="validation loss became nan in epoch 1"):
        trainer.start()
    assert not (tmp_path / "run" / "last").exists()
