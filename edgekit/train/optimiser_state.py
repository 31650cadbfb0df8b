"""An optimiser's state as safetensors, without pickle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from edgekit.checkpoints.format import parse_tensors, serialise_tensors
from edgekit_runtime.errors import CheckpointError


def dump_optimiser(optimiser: torch.optim.Optimizer) -> bytes:
    """Return the per-parameter tensors (moments, steps) under the names `INDEX.KEY`."""
    tensors = {
        f"{index}.{key}": torch.as_tensor(value)
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }
    return serialise_tensors(tensors)


def restore_optimiser(optimiser: torch.optim.Optimizer, blob: bytes, source: Path) -> None:
    """Put a dumped state into an optimiser over the same parameters.

    Raises:
        CheckpointError: If the state belongs to other parameters.
    """
    state: dict[int, dict[str, Any]] = {}
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for name, tensor in parse_tensors(blob, source).items():
        index, _, key = name.partition(".")
        if not re.fullmatch("[0-9]{1,9}", index) or int(index) >= len(parameters):
            raise CheckpointError(f"{source} belongs to another network.")
        if tensor.ndim and tensor.shape != parameters[int(index)].shape:
            raise CheckpointError(f"{source} belongs to another network.")
        state.setdefault(int(index), {})[key] = tensor
    current = optimiser.state_dict()
    optimiser.load_state_dict({"state": state, "param_groups": current["param_groups"]})
