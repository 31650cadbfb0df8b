"""One step of training: a batch forward, backward and into the weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from edgekit.models import ModelSpec
from edgekit.models.normalising import normalise
from edgekit.train.averaging import WeightAverage
from edgekit.train.batches import Batch
from edgekit.train.distillation import Teacher, record_features
from edgekit.train.dropping import Place, draw_by_place
from edgekit.train.outputs import Outputs, to_float
from edgekit.train.shards import Processes, keep_buffers, split_batch
from edgekit.train.tasks import TrainingTask
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import DatasetError, TrainingDiverged

ONE_VALUE = "more than 1 value per channel"
"""What torch's batch normalisation says where a shard of one image was halved down to one pixel."""


def make_input(
    images: torch.Tensor, normalisation: Normalisation, order: torch.memory_format
) -> torch.Tensor:
    """Return what a network sees of images (N, H, W[, 3]): float32 (N, C, H, W), in the given memory order."""
    return normalise(images, normalisation).contiguous(memory_format=order)


def memory_order(spec: ModelSpec) -> torch.memory_format:
    """Return the order in memory in which a network trains fastest."""
    return torch.channels_last if spec.channels_last else torch.contiguous_format


class TrainingStep:
    """Runs batches through a network and its optimiser.

    Args:
        network: What is trained; its training mode is the caller's.
        optimiser: Over its parameters.
        task: Gives the loss.
        normalisation: Of the images.
        order: In which the network's weights lie in memory.
        processes: Who trains together.
        shards: Parts of each batch that are normalised apart; with several processes their number.
        teacher: Whose answers count too.
        average: What follows the weights.
        autocast: Whether the forward pass runs in bfloat16 where torch thinks it safe.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        task: TrainingTask[Any],
        normalisation: Normalisation,
        *,
        order: torch.memory_format = torch.contiguous_format,
        processes: Processes,
        shards: int = 1,
        teacher: Teacher | None = None,
        average: WeightAverage | None = None,
        autocast: bool = False,
    ) -> None:
        self._network = network
        self._called = processes.wrap(network)
        self._device = next(network.parameters()).device
        self._optimiser = optimiser
        self._task = task
        self._normalisation = normalisation
        self._order = order
        self._processes = processes
        self._shards = shards
        self._teacher = teacher
        self._average = average
        self._autocast = autocast

    def run(self, batch: Batch, place: Place | None = None) -> float:
        """Take one step and return the batch's loss.

        Args:
            batch: What is learnt from.
            place: Of the step in the run, which decides what dropout draws; None takes torch's random state.

        Raises:
            TrainingDiverged: If the loss is not finite; the weights are then as they were before.
            DatasetError: If the batch is too small for the network to normalise.
        """
        self._optimiser.zero_grad()
        total = torch.zeros((), device=self._device)
        for number, shard, share in self._own_shards(batch):
            with (
                keep_buffers(self._network, active=number > 0 and self._processes.count == 1),
                draw_by_place(place, number, self._device),
            ):
                loss = self._loss(shard)
                total += loss.detach() * share
                # The others wait in their backward pass, whatever this loss is.
                if math.isfinite(float(loss.detach())) or self._processes.count > 1:
                    self._scale(loss, share).backward()  # type: ignore[no-untyped-call]
        value = float(self._processes.total(total))
        if not math.isfinite(value):
            raise TrainingDiverged(f"The loss became {value} in the batch {', '.join(batch.names)}.")
        self._optimiser.step()
        if self._average is not None:
            self._average.update(self._network)
        return value

    def _own_shards(self, batch: Batch) -> list[tuple[int, Batch, float]]:
        """Return the shards that this process runs: their number, their images, their share of the batch."""
        shards = [
            (number, shard, len(shard) / len(batch))
            for number, shard in enumerate(split_batch(batch, self._shards))
        ]
        if self._processes.count == 1:
            return [shard for shard in shards if len(shard[1])]
        number, own, share = shards[self._processes.rank]
        # The others wait for this process in every pass: without an image of its own it runs one that counts 0.
        return [(number, own if len(own) else batch.rows(0, 1), share)]

    def _loss(self, shard: Batch) -> torch.Tensor:
        images = make_input(shard.images.to(self._device), self._normalisation, self._order)
        watched = self._teacher is not None and self._teacher.compares_features
        with self._in_16_bits(), record_features(self._network, active=watched) as features:
            answers = self._answer(images, shard)
        loss = self._task.loss(answers, shard)
        if self._teacher is None:
            return loss
        with self._in_16_bits():
            return self._teacher.loss(images, answers, features, loss, batch=shard, task=self._task)

    def _answer(self, images: torch.Tensor, shard: Batch) -> Outputs:
        try:
            return to_float(self._called(images))
        except ValueError as error:
            if ONE_VALUE not in str(error):
                raise
            raise DatasetError(
                f"The batch {', '.join(shard.names)} ({images.shape[2]}×{images.shape[3]} pixels) leaves this "
                "network one value per channel, which has no variance to normalise by.",
                remedy="Train on larger images or crops, or take a --batch-size that leaves no batch of one image.",
            ) from error

    def _in_16_bits(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast)

    def _scale(self, loss: torch.Tensor, share: float) -> torch.Tensor:
        """Weigh a shard by its images; several processes average their gradients, which is made good here."""
        factor = share * self._processes.count
        return loss if factor == 1 else loss * factor
