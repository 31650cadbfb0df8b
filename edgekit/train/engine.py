"""The training engine: it runs any recipe on any model, and goes on exactly where it was killed.

Data flow: dataset → split → stores (integers) → batches → normalise → network → loss → optimiser → checkpoint. Every
source of randomness is derived from (seed, epoch), and the learning rate from the place in the run, so that the state
of a run is the weights, the optimiser's moments and the history, saved together after each epoch.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from edgekit.checkpoints.format import load_checkpoint, save_checkpoint
from edgekit.data import Dataset, Split
from edgekit.data.splitting.split_file import write_split
from edgekit.models import build_model
from edgekit.reporting import Reporter
from edgekit.train.batches import Batch, count_steps, draw_batches, iterate_batches
from edgekit.train.distillation import Teacher
from edgekit.train.optimisation import learning_rate_at, set_learning_rate
from edgekit.train.overlays import draw_samples
from edgekit.train.prefetching import prefetch
from edgekit.train.prepared_run import prepare_run, require_shards
from edgekit.train.run_folder import HISTORY_FILE, RunFolder, RunRecord
from edgekit.train.run_lock import lock_run
from edgekit.train.shards import Processes
from edgekit.train.starting_points import load_start, load_teacher
from edgekit.train.steps import TrainingStep, make_input, memory_order
from edgekit.train.trained_state import TrainedState
from edgekit.train.watching import Watcher
from edgekit_runtime.errors import CheckpointError, TrainingDiverged
from edgekit_runtime.masks import mask_of

Clock = Callable[[], float]


@dataclass(frozen=True)
class TrainingOutcome:
    """What a run ended with: figures of the best epoch on the validation part, and its 1-based number."""

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
        self.state = TrainedState(self._make_network(), self.recipe)
        self.step = self._make_step()
        self.watcher = self._make_watcher(tensorboard=tensorboard)
        self.history: list[dict[str, Any]] = []

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
            if self._is_over():
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
        self.state.restore(weights, self.folder.last, model=self.run.spec.name)
        self.history = self.folder.read_history()
        if (checkpoint.training or {}).get("epoch") != len(self.history):
            raise CheckpointError(
                f"{self.folder.last} holds a history of {len(self.history)} epochs that is not its checkpoint's.",
                remedy="Take the whole folder of the run.",
            )

    def _run(self) -> TrainingOutcome:
        if self.processes.leads:
            self.folder.write_history(self.history)
        while not self._is_over():
            self._run_epoch(len(self.history))
        best = max(self.history, key=self._score)
        return TrainingOutcome(best["epoch"], best, self.run.task.score_name, self.folder)

    def _is_over(self) -> bool:
        done, patience = len(self.history), self.recipe.patience
        if done >= self.recipe.epochs:
            return True
        if patience is None or not self.history:
            return False
        best = max(self.history, key=self._score)
        return done - int(best["epoch"]) >= patience

    def _run_epoch(self, epoch: int) -> None:
        began = self.clock()
        train_loss, rate = self._train_epoch(epoch)
        val_loss, metrics = self.processes.share(self.validate() if self.processes.leads else None)
        self._require_finite(epoch, val_loss)
        entry = {
            "epoch": epoch + 1,
            "learning_rate": rate,
            "train_loss": train_loss,
            "val_loss": val_loss,
            **metrics,
            "seconds": round(self.clock() - began, 3),
        }
        better = not self.history or self._score(entry) > max(map(self._score, self.history))
        self.history.append(entry)
        if self.processes.leads:
            self._save(entry, better=better)
            self.watcher.show(self.history, better=better)

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Return the mean loss and the learning rate of the last step."""
        self.state.network.train()
        total, images, rate = 0.0, 0, math.nan
        steps = count_steps(self.run.train, self.recipe)
        form, seed = self.run.task.form, self.run.record.seed
        batches = draw_batches(self.run.train, self.recipe, form, seed=seed, epoch=epoch)
        label = f"epoch {epoch + 1}/{self.recipe.epochs}"
        # Closed here: an error's traceback would keep the generator, and with it the thread, alive.
        with self.reporter.progress(label, steps) as advance, closing(self._make_ready(batches)) as ready:
            for number, batch in enumerate(ready):
                rate = learning_rate_at(self.recipe, epoch, number, steps)
                set_learning_rate(self.state.optimiser, rate)
                try:
                    total += self.step.run(batch) * len(batch)
                except TrainingDiverged as error:
                    raise TrainingDiverged(f"Epoch {epoch + 1}: {error.message}") from error
                images += len(batch)
                advance()
        return total / images, rate

    def _make_ready(self, batches: Generator[Batch]) -> Generator[Batch]:
        return batches if self.run.train.is_kept else prefetch(batches)

    def validate(self) -> tuple[float, dict[str, Any]]:
        """Return the loss and the figures of the weights that would be kept, over the validation part."""
        network = self.state.refresh_kept()
        meter = self.run.task.meter()
        total = 0.0
        with torch.no_grad():
            for batch in iterate_batches(self.run.val, self.recipe.batch_size, self.run.task.form):
                answers = network(
                    make_input(batch.images.to(self.device), self.run.normalisation, self.order)
                )
                total += float(self.run.task.loss(answers, batch)) * len(batch)
                meter.add(answers, batch)
        return total / len(self.run.val), meter.metrics()

    def _require_finite(self, epoch: int, val_loss: float) -> None:
        """The last step of an epoch may ruin weights after the last training loss was still fine."""
        state = self.state.network.state_dict()
        ruined = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
        if ruined:
            raise TrainingDiverged(f"{ruined[0]} became NaN or infinite in epoch {epoch + 1}.")
        if not math.isfinite(val_loss):
            raise TrainingDiverged(f"The validation loss became {val_loss} in epoch {epoch + 1}.")

    def _save(self, entry: dict[str, Any], *, better: bool) -> None:
        record = self.run.describe(entry)
        weights = self.state.kept.state_dict()
        if better:
            save_checkpoint(self.folder.best, record, weights)
        files = {**self.state.dump(), HISTORY_FILE: json.dumps(self.history, indent=1).encode()}
        save_checkpoint(self.folder.last, record, weights, extra_files=files)
        self.folder.write_history(self.history)

    def _score(self, entry: dict[str, Any]) -> float:
        value = entry[self.run.task.score_name]
        return -1.0 if value is None else float(value)

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
            epochs=self.recipe.epochs,
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

    def _make_step(self) -> TrainingStep:
        teacher = None
        if self.run.record.teacher is not None and self.recipe.distillation is not None:
            network = load_teacher(
                self.run.record.teacher,
                self.run.spec,
                self.run.normalisation,
                bits=self.run.train.pixels.bits,
                data=self.run.data_info,
            )
            teacher = Teacher(network.to(self.device), self.recipe.distillation)
        return TrainingStep(
            self.state.network,
            self.state.optimiser,
            self.run.task,
            self.run.normalisation,
            order=self.order,
            processes=self.processes,
            shards=self.run.record.shards,
            teacher=teacher,
            average=self.state.average,
            autocast=self.recipe.autocast == "bfloat16",
        )
