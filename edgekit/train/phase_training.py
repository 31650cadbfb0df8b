"""One phase of a training: what learns in it, its epochs, and how the network is judged after each."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from typing import Any

import torch
from torch import nn

from edgekit.reporting import Reporter
from edgekit.train.batches import Batch, count_steps, draw_batches, iterate_batches
from edgekit.train.distillation import Teacher
from edgekit.train.freezing import freeze_others, set_training
from edgekit.train.optimisation import learning_rate_at, set_learning_rate
from edgekit.train.prefetching import prefetch
from edgekit.train.prepared_run import PreparedPhase, PreparedRun
from edgekit.train.shards import Processes
from edgekit.train.steps import TrainingStep, make_input, memory_order
from edgekit.train.trained_state import TrainedState
from edgekit_runtime.errors import TrainingDiverged


class PhaseTraining:
    """A phase from its first step on: a fresh optimiser, a fresh average, and gradients for its part alone.

    Args:
        network: With the weights that the phase begins with, on its device, in the order of `memory_order`.
        phase: What is trained, and by which recipe.
        run: Data and normalisation.
        processes: Who trains together.
        teacher: Whose answers count too.

    Attributes:
        phase: As given.
        state: What the phase changes.
    """

    def __init__(
        self,
        network: nn.Module,
        phase: PreparedPhase,
        run: PreparedRun,
        *,
        processes: Processes,
        teacher: Teacher | None,
    ) -> None:
        self.phase = phase
        self._run = run
        self._device = next(network.parameters()).device
        self._order = memory_order(run.spec)
        # Before the optimiser and the processes' wrapper, which take the parameters that gradients reach.
        freeze_others(network, phase.trained)
        self.state = TrainedState(network, phase.recipe)
        self._step = TrainingStep(
            network,
            self.state.optimiser,
            phase.task,
            run.normalisation,
            order=self._order,
            processes=processes,
            shards=run.record.shards,
            teacher=teacher,
            average=self.state.average,
            autocast=phase.recipe.autocast == "bfloat16",
        )

    def train_epoch(self, epoch: int, *, done: int, of: int, reporter: Reporter) -> tuple[float, float]:
        """Train one epoch and return the mean loss and the learning rate of the last step.

        Args:
            epoch: Of the run, from 0: it decides what is drawn.
            done: Epochs of this phase before: they decide the learning rate.
            of: Epochs of the whole run, for the progress.
            reporter: Where the progress goes.

        Raises:
            TrainingDiverged: If a loss is not finite.
        """
        recipe, store = self.phase.recipe, self._run.train
        set_training(self.state.network, self.phase.trained)
        total, images, rate = 0.0, 0, math.nan
        steps = count_steps(store, recipe)
        seed = self._run.record.seed
        batches = draw_batches(store, recipe, self.phase.task.form, seed=seed, epoch=epoch)
        label = f"epoch {epoch + 1}/{of}"
        # Closed here: an error's traceback would keep the generator, and with it the thread, alive.
        with reporter.progress(label, steps) as advance, closing(self._make_ready(batches)) as ready:
            for number, batch in enumerate(ready):
                rate = learning_rate_at(recipe, done, number, steps)
                set_learning_rate(self.state.optimiser, rate)
                try:
                    total += self._step.run(batch, (seed, epoch, number)) * len(batch)
                except TrainingDiverged as error:
                    raise TrainingDiverged(f"Epoch {epoch + 1}: {error.message}") from error
                images += len(batch)
                advance()
        return total / images, rate

    def _make_ready(self, batches: Generator[Batch]) -> Generator[Batch]:
        return batches if self._run.train.is_kept else prefetch(batches)

    def validate(self) -> tuple[float, dict[str, Any]]:
        """Return the loss and the figures of the weights that would be kept, over the validation part."""
        network, task = self.state.refresh_kept(), self.phase.task
        meter = task.meter()
        total = 0.0
        with torch.no_grad():
            for batch in iterate_batches(self._run.val, self.phase.recipe.batch_size, task.form):
                answers = network(
                    make_input(batch.images.to(self._device), self._run.normalisation, self._order)
                )
                total += float(task.loss(answers, batch)) * len(batch)
                meter.add(answers, batch)
        return total / len(self._run.val), meter.metrics()

    def require_finite(self, epoch: int, val_loss: float) -> None:
        """Refuse weights that the last step of an epoch ruined after the last training loss was still fine.

        Raises:
            TrainingDiverged: Naming what is not finite, and the epoch, counted here from 0.
        """
        state = self.state.network.state_dict()
        ruined = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
        if ruined:
            raise TrainingDiverged(f"{ruined[0]} became NaN or infinite in epoch {epoch + 1}.")
        if not math.isfinite(val_loss):
            raise TrainingDiverged(f"The validation loss became {val_loss} in epoch {epoch + 1}.")
