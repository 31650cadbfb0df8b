"""The run folder: what a training writes, and what it needs to go on after a kill.

RUN/run.json        model, recipe, seed, data: everything that decides the run
RUN/metrics.jsonl   one line per epoch
RUN/curves.png      loss and metrics over the epochs
RUN/best/           checkpoint of the best epoch by validation mIoU
RUN/last/           checkpoint of the last epoch, with the optimiser's state and the history
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit.data.opening import OpenOptions
from edgekit.train.recipes import Recipe
from edgekit_runtime.bundle.decoding import decode
from edgekit_runtime.errors import CheckpointError, IoFault, UsageProblem

SCHEMA = "edgekit.run/1"
OPTIMISER_FILE = "optimiser.safetensors"
HISTORY_FILE = "history.json"


@dataclass(frozen=True)
class RunRecord:
    """What decides a run.

    Attributes:
        model: Name in the registry.
        recipe: The recipe with every number.
        seed: Of weights, order and crops.
        data: What was typed after --data.
        options: How the data were opened.
        split_seed: Of the split.
    """

    model: str
    recipe: Recipe
    seed: int
    data: str
    options: OpenOptions
    split_seed: int


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / "best"
        self.last = path / "last"
        self.curves = path / "curves.png"
        self._record = path / "run.json"
        self._metrics = path / "metrics.jsonl"

    def require_new(self) -> None:
        """Raise if the folder holds anything.

        Raises:
            UsageProblem: If it does; two runs never share a folder.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            remedy = (
                f"Continue it with --resume {self.path}" if self._record.exists() else "Name a new folder"
            )
            raise UsageProblem(
                f"{self.path} is there already and not empty.", remedy=f"{remedy}, or remove it."
            )

    def create(self, record: RunRecord) -> None:
        """Make the folder and write run.json.

        Raises:
            UsageProblem: If the folder holds anything.
            IoFault: If it cannot be made.
        """
        self.require_new()
        content = {"schema": SCHEMA, **asdict(record), "recipe": record.recipe.to_dict()}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._record.write_text(json.dumps(content, indent=2) + "\n")
        except OSError as error:
            raise IoFault(f"{self.path} cannot be written: {error.strerror}.") from error

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
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageProblem(
                f"{self.path} is no training run that can be resumed ({type(error).__name__}: {error}).",
                remedy="Name the folder that `edgekit train --out` made.",
            ) from error

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Write metrics.jsonl anew from the history, so that a killed run leaves no double or missing line."""
        lines = "".join(json.dumps(entry) + "\n" for entry in history)
        temporary = self._metrics.with_suffix(".tmp")
        try:
            temporary.write_text(lines)
            temporary.replace(self._metrics)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise IoFault(f"{self._metrics} cannot be written: {error.strerror}.") from error

    def read_history(self) -> list[dict[str, Any]]:
        """Return the history that the last checkpoint holds."""
        path = self.last / HISTORY_FILE
        try:
            history: list[dict[str, Any]] = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}.") from error
        return history
