"""Start a network from weights that were trained for other classes, or in another network of the same backbone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from edgekit.checkpoints.format import load_weights
from edgekit.models import MODELS, build_model
from edgekit_runtime.errors import CheckpointError


def load_backbone(
    network: nn.Module, weights: Mapping[str, torch.Tensor], *, model: str, keep_head: bool = False
) -> tuple[str, ...]:
    """Put weights into a network, whose classifier's last layers may stay as fresh as they are.

    A segmenting network has no such layer: it takes every weight.

    Args:
        network: A network of the model; changed in place.
        weights: A state dict of the same model, perhaps for another number of classes.
        model: Name in the registry, which says where the classifier's last layers are, one for each exit.
        keep_head: Take the weights of those layers too: the classes are the same.

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


def load_other_backbone(
    network: nn.Module, weights: Mapping[str, torch.Tensor], *, model: str, source: str
) -> tuple[str, ...]:
    """Put those weights of another network into this one that both have: its backbone.

    What the other network has alone, its classifier, may be missing and is not looked at.

    Args:
        network: Changed in place.
        weights: A state dict of the other network, perhaps for other classes.
        model: Name of this network in the registry.
        source: Name of the other one there.

    Returns:
        Names of the tensors that were left fresh, sorted.

    Raises:
        CheckpointError: If names or shapes of the backbone differ, the other network does not have a name, or a tensor
            holds no plain numbers.
    """
    with torch.device("meta"):
        other = build_model(MODELS.get(source)).state_dict()
    unknown = sorted(set(weights) - set(other))
    if unknown:
        raise CheckpointError(
            f"The weights are not those of {source}, whose backbone {model} has: {len(unknown)} unknown, such as "
            f"{unknown[0]}.",
            remedy=f"Take weights of {source}.",
        )
    own = network.state_dict()
    fresh = {name: tensor for name, tensor in own.items() if name not in other}
    kept = {name: tensor for name, tensor in weights.items() if name in own}
    load_weights(network, {**kept, **fresh}, model=model)
    return tuple(sorted(fresh))
