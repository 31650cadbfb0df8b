"""Weights in the format of CheapNet's authors: a torch file whose key `CheapNet` holds the state dict.

Their names (encoder1 … encoder4, bottleneck, decoder1 … decoder4, output; index .0 convolution, .1 BatchNorm) are the
names of `edgekit.models.cheapnet`. A torch file may hold code; it is read with `weights_only`, below a size that the
model explains, and only tensors of the expected names and shapes are taken from it.
"""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from edgekit.checkpoints.format import Checkpoint, current_versions, load_weights, require_finite
from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_parameters
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import CheckpointError, IoFault, UsageProblem

KEY = "CheapNet"
PARALLEL_PREFIX = "module."
"""What torch's DataParallel puts before every name."""

BYTES_PER_PARAMETER = 24
"""Weights, two Adam moments and a copy in float32, with room: a file beyond that is not what it claims to be."""

OVERHEAD_BYTES = 4 << 20


def import_authors_weights(
    path: Path, *, model: str, mean: float, std: float
) -> tuple[Checkpoint, dict[str, torch.Tensor]]:
    """Read an authors' checkpoint.

    Args:
        path: The torch file.
        model: Name of the CheapNet it was trained as.
        mean: Mean of the training images' grey values, in units of full scale (their class 6: 0.348).
        std: Standard deviation of these (their class 6: 0.278).

    Raises:
        UsageProblem: If the model is no CheapNet, or mean and std are out of range.
        CheckpointError: If the file is too large, holds code, or its tensors are not those of the model.
        IoFault: If it cannot be read.
    """
    spec = MODELS.get(model)
    if not spec.factory.endswith(":CheapNet"):
        raise UsageProblem(
            f"{model} is no CheapNet; import-weights reads the CheapNet authors' files.",
            remedy="Choose a cheapnet model: `edgekit models` lists them.",
        )
    if not (0 <= mean <= 1 and 0 < std <= 1):
        raise UsageProblem(
            f"Mean {mean} and std {std} must lie in 0 to 1, in units of full scale.",
            remedy="Divide grey values by 255: the authors' class 6 has --mean 0.348 --std 0.278.",
        )
    network = build_model(spec, seed=0)
    weights = _read_state_dict(path, _size_limit(network))
    load_weights(network, weights, model=model)
    require_finite(weights, path)
    checkpoint = Checkpoint(
        model=model,
        classes=spec.classes,
        normal_class=spec.classes[0],
        normalisation=Normalisation((mean,), (std,)),
        provenance="imported",
        training=None,
        data=None,
        metrics={},
        versions=current_versions(),
    )
    return checkpoint, network.state_dict()


def _size_limit(network: nn.Module) -> int:
    return OVERHEAD_BYTES + BYTES_PER_PARAMETER * count_parameters(network)


def _read_state_dict(path: Path, limit: int) -> dict[str, torch.Tensor]:
    _check_size(path, limit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # torch warns of pickle protocols; what it cannot read, it refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's unpickler ends a hostile file with whatever the file provokes
        # Not torch's own words: they advise to load the file without protection.
        raise CheckpointError(
            f"{path} is damaged, no torch file, or holds more than plain weights ({type(error).__name__}).",
            remedy="Save the state dict alone: torch.save({'CheapNet': network.state_dict()}, file).",
        ) from error
    state = content.get(KEY) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} holds no state dict under the key {KEY!r}.",
            remedy="Save it as the authors do: torch.save({'CheapNet': network.state_dict()}, file).",
        )
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
