"""Weights in the format of CheapNet's authors: a torch file whose key `CheapNet` holds the state dict.

Their names (encoder1 … encoder4, bottleneck, decoder1 … decoder4, output; index .0 convolution, .1 BatchNorm) are the
names of `edgekit.models.cheapnet`. A torch file may hold code; it is read with `weights_only`, below a size that the
model explains, and only tensors of the expected names and shapes are taken from it.
"""

from __future__ import annotations

from pathlib import Path

import torch

from edgekit.checkpoints.format import Checkpoint, current_versions, load_weights, require_finite
from edgekit.checkpoints.torch_files import (
    is_state_dict,
    read_torch_file,
    remove_parallel_prefix,
    size_limit,
)
from edgekit.models import MODELS, build_model
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import CheckpointError, UsageProblem

KEY = "CheapNet"
HOW_TO_SAVE = "Save it as the authors do: torch.save({'CheapNet': network.state_dict()}, file)."


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
    weights = _read_state_dict(path, size_limit(network))
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


def _read_state_dict(path: Path, limit: int) -> dict[str, torch.Tensor]:
    content = read_torch_file(path, limit=limit, remedy=HOW_TO_SAVE)
    state = content.get(KEY) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not is_state_dict(state):
        raise CheckpointError(f"{path} holds no state dict under the key {KEY!r}.", remedy=HOW_TO_SAVE)
    return remove_parallel_prefix(state, path)
