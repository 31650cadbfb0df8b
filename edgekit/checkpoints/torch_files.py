"""Tensors from a torch file that somebody else wrote: read without running code, below a size that is explained."""

from __future__ import annotations

import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from edgekit.models.counting import count_parameters
from edgekit_runtime.errors import CheckpointError, IoFault

PARALLEL_PREFIX = "module."
"""What torch's DataParallel puts before every name."""

BYTES_PER_PARAMETER = 24
"""Weights, two Adam moments and a copy in float32, with room: a file beyond that is not what it claims to be."""

OVERHEAD_BYTES = 4 << 20


def size_limit(network: nn.Module) -> int:
    """Return how many bytes a checkpoint of the network may unpack to."""
    return OVERHEAD_BYTES + BYTES_PER_PARAMETER * count_parameters(network)


def read_torch_file(path: Path, *, limit: int, remedy: str) -> object:
    """Return what a torch file holds: plain values and tensors, never an object with code.

    Args:
        path: The file.
        limit: Bytes that it may unpack to.
        remedy: How to write such a file.

    Raises:
        CheckpointError: If there is no such file, or it is too large, damaged, or holds more than plain weights.
        IoFault: If it cannot be read.
    """
    _check_size(path, limit)
    try:
        with warnings.catch_warnings():
            # torch warns of pickle protocols; what it cannot read, it refuses
            warnings.simplefilter("ignore")
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's unpickler ends a hostile file with whatever the file provokes
        # Not torch's own words: they advise to load the file without protection.
        raise CheckpointError(
            f"{path} is damaged, no torch file, or holds more than plain weights ({type(error).__name__}).",
            remedy=remedy,
        ) from error
    return content


def is_state_dict(content: object) -> bool:
    """Tell whether the content is a dict of nothing but tensors."""
    return isinstance(content, dict) and all(isinstance(value, torch.Tensor) for value in content.values())


def remove_parallel_prefix(state: Mapping[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors by the names that they have without DataParallel.

    Raises:
        CheckpointError: If a name is there with and without the prefix.
    """
    named = {str(name).removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}
    if len(named) != len(state):
        doubled = next(name for name in named if name in state and PARALLEL_PREFIX + name in state)
        raise CheckpointError(
            f"{path} holds {doubled} twice, with and without the prefix {PARALLEL_PREFIX!r}.",
            remedy="Save the state dict of one network.",
        )
    return named


def _check_size(path: Path, limit: int) -> None:
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}.", remedy="Check the path.")
    try:
        size = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise CheckpointError(
            f"{path} is damaged: its table of contents cannot be read.", remedy="Fetch the file again."
        ) from error
    if size > limit:
        raise CheckpointError(
            f"{path} unpacks to {size:,} bytes; this model's checkpoint has at most {limit:,}.",
            remedy="Name the model it was trained as.",
        )
