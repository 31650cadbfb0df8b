"""Torch's own random numbers, such as dropout draws in a forward pass: decided by the place in the run as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

Place = tuple[int, int, int]
"""Seed of the run, epoch and step, both from 0."""


@contextmanager
def draw_by_place(place: Place | None, shard: int, device: torch.device) -> Iterator[None]:
    """Let what torch draws follow from a place in the run; the caller's random state stays as it was.

    A resumed run then drops what an uninterrupted one would have dropped, and a shard of a batch the same whichever
    process it is on.

    Args:
        place: None draws from the caller's random state.
        shard: Number of the part of the batch, from 0.
        device: Where the network is.
    """
    if place is None:
        yield
        return
    seed = np.random.SeedSequence([*place, shard]).generate_state(1, np.uint64)[0]
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(int(seed))
        yield
