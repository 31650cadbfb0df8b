"""The training engine: it runs any recipe on any model, and goes on exactly where it was killed.

Data flow: dataset → split → stores (integers) → batches → normalise → network → loss → optimiser → checkpoint. Every
source of randomness is derived from (seed, epoch), and the learning rate from the place in the run, so that the state
of a run is the weights, the optimiser's moments and the history, saved together after each epoch.

A phase begins with the best weights of the one before. That beginning is saved as RUN/last too, or a kill after the
phase's first epoch had taken the place of RUN/best would leave nothing to begin it with again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from edgekit.checkpoints.format import Checkpoint, load_checkpoint, load_weights, save_checkpoint
from edgekit.data import Dataset, Split
from edgekit.data.splitting.split_file import write_split
from edgekit.models import build_model
from edgekit.reporting import Reporter
from edgekit.train.distillation import Teacher
from edgekit.train.history import entries_of, find_best, is_over, score_of
from edgekit.train.overlays import draw_samples
from edgekit.train.phase_training import PhaseTraining
from edgekit.train.prepared_run import prepare_run, require_shards
from edgekit.train.run_folder import HISTORY_FILE, RunFolder, RunRecord
from edgekit.train.run_lock import lock_run
from edgekit.train.shards import Processes
from edgekit.train.starting_points import load_start, load_teacher
from edgekit.train.steps import make_input, memory_order
from edgekit.train.trained_state import TrainedState
from edgekit.train.watching import Watcher
from edgekit_runtime.errors import CheckpointError
from edgekit_runtime.masks import mask_of

Clock = Callable[[], float]


@dataclass(frozen=True)
class TrainingOutcome:
    """What a run ended with: figures of the best epoch of its last phase, and the epoch's 1-based number."""

    epoch: int
    metrics: dict[str, Any]
    score_name: str
    folder: RunFolder


class Trainer:
    """One training run.

    Args:
        record: What decides the run.
        dataset: The data, as `open_run_data` gives them.
        split: Their split.
        folder: Where the run is written.
        device: torch device, such as "cpu" or "cuda:0".
        processes: Who trains together.
        tensorboard: Whether to write for TensorBoard too.
        reporter: Where progress goes.
        clock: Monotonic seconds, for the time per epoch.
    """

    def __init__(
        self,
        record: RunRecord,
        dataset: Dataset,
        split: Split,
        folder: RunFolder,
        *,
        device: str = "cpu",
        processes: Processes | None = None,
        tensorboard: bool = False,
        reporter: Reporter,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.processes = processes or Processes()
        require_shards(record, self.processes)
        self.run = prepare_run(record, dataset, split, reporter=reporter)
        self.recipe = record.recipe
        self.folder = folder
        self.device = torch.device(device)
        self.reporter = reporter
        self.clock = clock
        self.order = memory_order(self.run.spec)
        self.network = self._make_network()
        self.teacher = self._load_teacher()
        self.training = self._take_up(0)
        self.watcher = self._make_watcher(tensorboard=tensorboard)
        self.history: list[dict[str, Any]] = []

    @property
    def state(self) -> TrainedState:
        """What the present phase changes."""
        return self.training.state

    def start(self) -> TrainingOutcome:
        """Train from the first epoch in a new folder.

        Raises:
            UsageProblem: If the folder holds anything, or another process trains in it.
        """
        if not self.processes.leads:
            return self._run()
        self.folder.make()
        with lock_run(self.folder.path):
            self.folder.require_new()
            self.folder.write_record(self.run.record)
            write_split(self.folder.split, self.run.split, self.run.dataset)
            return self._run()

    def resume(self) -> TrainingOutcome:
        """Train on after the last checkpoint; the end is the same, bit for bit, as without the interruption.

        Raises:
            CheckpointError: If the data are no longer those of the run.
            UsageProblem: If another process trains in the folder.
        """
        if not self.processes.leads:
            self._restore()
            return self._run()
        with lock_run(self.folder.path):
            self._restore()
            if self._is_last_phase() and self._phase_is_over():
                self.reporter.note(f"{self.folder.path} was complete already.")
            return self._run()

    def _restore(self) -> None:
        if not self.folder.last.is_dir():
            if self.processes.leads:
                # Nothing was learnt yet: the run begins now, with the data of now.
                write_split(self.folder.split, self.run.split, self.run.dataset)
            return
        checkpoint, weights = load_checkpoint(self.folder.last)
        if checkpoint.data != self.run.data_info:
            raise CheckpointError(
                f"The data of {self.run.record.data} have changed since the run began.",
                remedy="Restore them, or begin a new run with another --out.",
            )
        self.history = self.folder.read_history()
        if (checkpoint.training or {}).get("epoch") != len(self.history):
            raise CheckpointError(
                f"{self.folder.last} holds a history of {len(self.history)} epochs that is not its checkpoint's.",
                remedy="Take the whole folder of the run.",
            )
        self.training = self._take_up(self._find_phase(checkpoint))
        self.state.restore(weights, self.folder.last, model=self.run.spec.name)

    def _find_phase(self, checkpoint: Checkpoint) -> int:
        name = (checkpoint.training or {}).get("phase")
        for number, phase in enumerate(self.run.phases):
            if phase.name == name:
                return number
        raise CheckpointError(
            f"{self.folder.last} was saved in the phase {name!r}, which the recipe of the run does not have.",
            remedy="Take the whole folder of the run.",
        )

    def _run(self) -> TrainingOutcome:
        if self.processes.leads:
            self.folder.write_history(self.history)
        while True:
            while not self._phase_is_over():
                self._run_epoch(len(self.history))
            if self._is_last_phase():
                break
            self._begin_next_phase()
        best = find_best(self._entries(), self._score_name)
        return TrainingOutcome(best["epoch"], best, self._score_name, self.folder)

    def _begin_next_phase(self) -> None:
        self.processes.wait()  # for RUN/best
        checkpoint, weights = load_checkpoint(self.folder.best)
        best = find_best(self._entries(), self._score_name)
        if (checkpoint.training or {}).get("epoch") != best["epoch"]:
            raise CheckpointError(
                f"{self.folder.best} is not the best epoch of the phase, {best['epoch']}.",
                remedy="Take the whole folder of the run.",
            )
        load_weights(self.network, weights, model=self.run.spec.name)
        self.training = self._take_up(self.run.phases.index(self.training.phase) + 1)
        if self.processes.leads:
            self.state.refresh_kept()
            self._save_last({**best, "epoch": len(self.history), "phase": self.training.phase.name})

    def _take_up(self, number: int) -> PhaseTraining:
        """Return a phase that begins with the network's weights."""
        phase = self.run.phases[number]
        return PhaseTraining(self.network, phase, self.run, processes=self.processes, teacher=self.teacher)

    def _is_last_phase(self) -> bool:
        return self.training.phase is self.run.phases[-1]

    def _phase_is_over(self) -> bool:
        return is_over(self._entries(), self.training.phase.recipe, self._score_name)

    def _entries(self) -> list[dict[str, Any]]:
        return entries_of(self.history, self.training.phase.name)

    @property
    def _score_name(self) -> str:
        return self.training.phase.task.score_name

    def _run_epoch(self, epoch: int) -> None:
        began = self.clock()
        before, phase = self._entries(), self.training.phase.name
        train_loss, rate = self.training.train_epoch(
            epoch, done=len(before), of=self.recipe.total_epochs, reporter=self.reporter
        )
        val_loss, metrics = self.processes.share(self.validate() if self.processes.leads else None)
        self.training.require_finite(epoch, val_loss)
        entry = {
            "epoch": epoch + 1,
            **({} if phase is None else {"phase": phase}),
            "learning_rate": rate,
            "train_loss": train_loss,
            "val_loss": val_loss,
            **metrics,
            "seconds": round(self.clock() - began, 3),
        }
        better = all(score_of(entry, self._score_name) > score_of(one, self._score_name) for one in before)
        self.history.append(entry)
        if self.processes.leads:
            self._save(entry, better=better)
            self.watcher.show(self.history, better=better)

    def validate(self) -> tuple[float, dict[str, Any]]:
        """Return the loss and the figures of the weights that would be kept, over the validation part."""
        return self.training.validate()

    def _save(self, entry: dict[str, Any], *, better: bool) -> None:
        if better:
            save_checkpoint(self.folder.best, self.run.describe(entry), self.state.kept.state_dict())
        self._save_last(entry)
        self.folder.write_history(self.history)

    def _save_last(self, entry: dict[str, Any]) -> None:
        files = {**self.state.dump(), HISTORY_FILE: json.dumps(self.history, indent=1).encode()}
        weights = self.state.kept.state_dict()
        save_checkpoint(self.folder.last, self.run.describe(entry), weights, extra_files=files)

    def _make_network(self) -> nn.Module:
        network = build_model(self.run.spec, seed=self.run.record.seed)
        # A run that has learnt something goes on with that, wherever the weights that it began with are now.
        if self.run.record.init is not None and not self.folder.last.is_dir():
            load_start(network, self.run.record.init, self.run.spec, self.reporter, data=self.run.data_info)
        network.to(self.device)
        network.to(memory_format=self.order)  # type: ignore[call-overload]
        return network

    def _make_watcher(self, *, tensorboard: bool) -> Watcher:
        segments = self.run.spec.task == "segment"
        return Watcher(
            self.folder,
            title=f"{self.run.spec.name} on {self.run.data_info.name}",
            epochs=self.recipe.total_epochs,
            scores=self.run.task.shown,
            draw=self._draw_samples if segments else None,
            tensorboard=tensorboard,
            reporter=self.reporter,
        )

    def _draw_samples(self, path: Path) -> None:
        def answer(images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
            batch = torch.from_numpy(np.array(images)).to(self.device)
            with torch.no_grad():
                logits = self.state.kept(make_input(batch, self.run.normalisation, self.order))
            return mask_of(logits.cpu().numpy(), 0.0)

        draw_samples(path, self.run.val, answer, multiple=self.run.spec.multiple)

    def _load_teacher(self) -> Teacher | None:
        if self.run.record.teacher is None or self.recipe.distillation is None:
            return None
        network = load_teacher(
            self.run.record.teacher,
            self.run.spec,
            self.run.normalisation,
            bits=self.run.train.pixels.bits,
            data=self.run.data_info,
        )
        return Teacher(network.to(self.device), self.recipe.distillation)
