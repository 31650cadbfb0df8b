"""The run folder: what a training writes, and what it needs to go on after a kill.

RUN/run.json        model, recipe, seed, data: everything that decides the run
RUN/split.json      which image is in which part
RUN/metrics.jsonl   one line per epoch
RUN/curves.png      loss and metrics over the epochs
RUN/samples/        pictures of the validation part with what was found, each few epochs
RUN/best/           checkpoint of the best epoch by the validation score
RUN/last/           checkpoint of the last epoch, with the optimiser's state and the history
RUN/tensorboard/    the same figures for TensorBoard, where asked for
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.data.opening import OpenOptions
from edgekit.train.recipe import Recipe
from edgekit.train.run_lock import LOCK_FILE
from edgekit_runtime.bundle.decoding import decode, encode
from edgekit_runtime.errors import CheckpointError, IoFault, UsageProblem

SCHEMA = "edgekit.run/1"
HISTORY_FILE = "history.json"


@dataclass(frozen=True)
class SplitChoice:
    """How the data are split: by fractions, or as one of several folds."""

    seed: int
    folds: int | None = None
    fold: int | None = None


@dataclass(frozen=True)
class CheckpointRef:
    """Another checkpoint that the run depends on: where it was, and what it held."""

    path: str
    weights_sha256: str


@dataclass(frozen=True)
class RunRecord:
    """What decides a run.

    Attributes:
        model: Name in the registry.
        recipe: The recipe with every number.
        seed: Of weights, order, crops and augmentation.
        data: What was typed after --data.
        options: How the data were opened.
        split: How they are split.
        shards: Parts of each batch that are normalised apart; the number of processes under torchrun.
        init: Whose weights the run begins with; None begins with fresh ones.
        teacher: Whose answers are imitated.
    """

    model: str
    recipe: Recipe
    seed: int
    data: str
    options: OpenOptions
    split: SplitChoice
    shards: int = 1
    init: CheckpointRef | None = None
    teacher: CheckpointRef | None = None


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / "best"
        self.last = path / "last"
        self.split = path / "split.json"
        self.curves = path / "curves.png"
        self.samples = path / "samples"
        self.tensorboard = path / "tensorboard"
        self._record = path / "run.json"
        self._metrics = path / "metrics.jsonl"

    def require_new(self) -> None:
        """Raise if the folder holds anything.

        Raises:
            UsageProblem: If it does; two runs never share a folder.
        """
        if self.path.exists() and (not self.path.is_dir() or self._is_used()):
            remedy = (
                f"Continue it with --resume {self.path}" if self._record.exists() else "Name a new folder"
            )
            raise UsageProblem(
                f"{self.path} is there already and not empty.", remedy=f"{remedy}, or remove it."
            )

    def _is_used(self) -> bool:
        return any(entry.name != LOCK_FILE for entry in self.path.iterdir())

    def make(self) -> None:
        """Make the folder, empty.

        Raises:
            UsageProblem: If it holds anything.
            IoFault: If it cannot be made.
        """
        self.require_new()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IoFault(f"{self.path} cannot be written: {error.strerror}.") from error

    def write_record(self, record: RunRecord) -> None:
        """Write run.json.

        Raises:
            IoFault: If the disk refuses.
        """
        content: Mapping[str, Any] = {"schema": SCHEMA, **encode(record)}
        write_text(self._record, json.dumps(content, indent=2) + "\n")

    def read(self) -> RunRecord:
        """Return what run.json says.

        Raises:
            UsageProblem: If the folder is no run.
        """
        if not self._record.is_file():
            raise UsageProblem(
                f"{self.path} is no training run: it holds no {self._record.name}.",
                remedy="Name the folder that `edgekit train --out` made.",
            )
        try:
            data = json.loads(self._record.read_text())
            if data.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            return decode(RunRecord, data, self._record.name)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise UsageProblem(
                f"{self.path} is no training run that can be resumed ({type(error).__name__}: {error}).",
                remedy="Name the folder that `edgekit train --out` made.",
            ) from error

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Write metrics.jsonl anew from the history, so that a killed run leaves no double or missing line."""
        write_text(self._metrics, "".join(json.dumps(entry) + "\n" for entry in history))

    def read_history(self) -> list[dict[str, Any]]:
        """Return the history that the last checkpoint holds.

        Raises:
            CheckpointError: If it is missing or damaged.
        """
        path = self.last / HISTORY_FILE
        try:
            history = json.loads(path.read_text())
            if not isinstance(history, list) or [entry["epoch"] for entry in history] != list(
                range(1, len(history) + 1)
            ):
                raise ValueError("its epochs are not 1, 2, 3 and so on")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CheckpointError(
                f"{path} cannot be read: {error}.", remedy="Take the whole folder of the run."
            ) from error
        return history


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        IoFault: If the disk refuses; what was there is then still there.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror}.") from error
