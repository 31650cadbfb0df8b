"""One batch in several shards: on as many processes (torchrun), or one after the other in one process.

Both give the same gradients up to rounding: each shard is normalised by its own statistics, the shards' gradients are
averaged by their numbers of images, and the running statistics are those of the first shard.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

import torch
from torch import distributed, nn

from edgekit.train.batches import Batch
from edgekit_runtime.errors import UsageProblem

Value = TypeVar("Value")

LONGEST_WAIT = timedelta(hours=6)
"""The others wait while process 0 validates and writes; torch's ten minutes may be short for that."""


class Processes:
    """The processes that train one network together; one process alone is the ordinary case.

    Attributes:
        count: How many there are.
        rank: This one's number; number 0 writes and speaks.
        local_rank: Its number on this machine.
    """

    def __init__(self, *, count: int = 1, rank: int = 0, local_rank: int = 0) -> None:
        self.count = count
        self.rank = rank
        self.local_rank = local_rank

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return the network so that a backward pass averages gradients over all processes.

        Process 0's buffers are sent to the others before each forward pass, so that the running statistics are its.
        """
        if self.count == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """Return the sum of a scalar over all processes."""
        if self.count > 1:
            distributed.all_reduce(value)
        return value

    def wait(self) -> None:
        """Wait until process 0 comes here too."""
        self.share(None)

    def share(self, value: Value | None) -> Value:
        """Return what process 0 passed; the others pass None and wait for it."""
        values = [value]
        if self.count > 1:
            distributed.broadcast_object_list(values, src=0)
        return cast("Value", values[0])


@contextmanager
def join_processes(*, device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started, by its environment variables; alone without them.

    Raises:
        UsageProblem: If torchrun's variables make no sense.
    """
    count = int(_read_variable("WORLD_SIZE", "[1-9][0-9]{0,4}", otherwise="1"))
    if count == 1:
        yield Processes()
        return
    rank, local_rank = (int(_read_variable(name, "[0-9]{1,5}")) for name in ("RANK", "LOCAL_RANK"))
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        _read_variable(name, ".+")
    if device.startswith("cuda"):
        torch.cuda.set_device(local_rank)  # where NCCL sends from
    backend = "nccl" if device.startswith("cuda") else "gloo"
    # Torch imports this when an optimiser is made. Its functions' default arguments are the group that there is by
    # then, and keep it and its threads until the interpreter has gone: one run in thirty ended in an abort.
    importlib.import_module("torch.distributed.nn")
    distributed.init_process_group(backend, timeout=LONGEST_WAIT)
    try:
        yield Processes(count=count, rank=rank, local_rank=local_rank)
    finally:
        gc.collect()  # the network's wrapper keeps the group too, and is part of a circle
        distributed.destroy_process_group()


def _read_variable(name: str, pattern: str, *, otherwise: str = "") -> str:
    value = os.environ.get(name, otherwise)
    if not re.fullmatch(pattern, value):
        raise UsageProblem(
            f"The variable {name} is {value!r}, which torchrun does not set.",
            remedy="Start by torchrun, or unset WORLD_SIZE to train in one process.",
        )
    return value


def split_batch(batch: Batch, shards: int) -> list[Batch]:
    """Return the batch in contiguous shards whose sizes differ by one at most; the first ones are larger."""
    size, larger = divmod(len(batch), shards)
    bounds = [0]
    for shard in range(shards):
        bounds.append(bounds[-1] + size + (shard < larger))
    return [batch.rows(start, end) for start, end in itertools.pairwise(bounds)]


@contextmanager
def keep_buffers(network: nn.Module, *, active: bool) -> Iterator[None]:
    """Put running statistics back as they were: of the shards of one batch only the first one counts.

    Around the backward pass too, which refuses buffers that changed since the forward pass.
    """
    kept = [(buffer, buffer.clone()) for buffer in network.buffers()] if active else []
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)
