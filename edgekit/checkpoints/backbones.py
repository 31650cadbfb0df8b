"""Start a network from weights that were trained for other classes: all of it but the classifier's last layer."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from edgekit.checkpoints.format import load_weights
from edgekit.models import MODELS


def load_backbone(
    network: nn.Module, weights: Mapping[str, torch.Tensor], *, model: str, keep_head: bool = False
) -> tuple[str, ...]:
    """Put weights into a network, whose classifier may stay as fresh as it is.

    A segmenting network has no such layer: it takes every weight.

    Args:
        network: A network of the model; changed in place.
        weights: A state dict of the same model, perhaps for another number of classes.
        model: Name in the registry, which says where the classifier's last layer is.
        keep_head: Take the weights of that layer too: the classes are the same.

    Returns:
        Names of the tensors that were left fresh, sorted.

    Raises:
        CheckpointError: If names or shapes differ elsewhere, or a tensor holds no plain numbers.
    """
    head = MODELS.get(model).head
    if keep_head or not head:
        load_weights(network, weights, model=model)
        return ()
    fresh = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(head)}
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(head)}
    load_weights(network, {**kept, **fresh}, model=model)
    return tuple(sorted(fresh))
