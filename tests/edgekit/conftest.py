"""Fixtures of the edgekit package's tests: one thread, small folders of images, small checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from edgekit.checkpoints.format import save_checkpoint
from edgekit.cli.main import main
from edgekit.models import MODELS, build_model
from edgekit.reporting import Reporter
from tests.edgekit.image_folders import write_image_folder
from tests.edgekit.records import make_record

torch.set_num_threads(1)

RunCli = Callable[..., "CliResult"]


class CliResult:
    """What one call of the command line left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def refused(self, code: int, *words: str) -> CliResult:
        """Check an error as a person sees it: the exit code, one line of message, one of remedy, no data."""
        assert self.code == code, self.err
        assert self.out == ""
        lines = [line for line in self.err.splitlines() if not line.startswith("note:")]
        messages = [line for line in lines if line.startswith("edgekit: ")]
        assert len(messages) == 1, self.err
        assert lines[-1].startswith("  → "), self.err
        assert lines[-2] == messages[0], self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in messages[0] + lines[-1], self.err
        return self


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Return a function that runs `edgekit ARGUMENTS…` in this process."""

    def run(*arguments: object) -> CliResult:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return CliResult(code, captured.out, captured.err)

    return run


@pytest.fixture
def quiet() -> Reporter:
    """A reporter that says nothing."""
    return Reporter(quiet=True)


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of 64×64 with masks, in images/ and masks/. Read only."""
    return write_image_folder(tmp_path_factory.mktemp("data") / "plates", count=12, size=(64, 64))


def make_checkpoint(folder: Path, *, model: str = "cheapnet-s", seed: int = 0) -> Path:
    """Write a checkpoint with fresh weights."""
    network = build_model(MODELS.get(model), seed=seed)
    record = make_record(model)
    save_checkpoint(folder, record, network.state_dict())
    return folder


@pytest.fixture
def checkpoint_folder(tmp_path: Path) -> Path:
    """A checkpoint of cheapnet-s with fresh weights."""
    return make_checkpoint(tmp_path / "checkpoint")
