"""Training a part of a network: the rest stays as it is, running statistics included."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from edgekit.models import ModelSpec
from edgekit_runtime.errors import UsageProblem

EVERYTHING = ("",)
"""Every name begins with it."""


def find_part(spec: ModelSpec, part: str) -> tuple[str, ...]:
    """Return with what the names of a part's parameters begin; the part "" is everything.

    Raises:
        UsageProblem: If the network has no such part.
    """
    if not part:
        return EVERYTHING
    if part not in spec.parts:
        known = ", ".join(spec.parts) or "none"
        raise UsageProblem(
            f"The recipe trains the part {part!r}, which {spec.name} does not have (its parts: {known}).",
            remedy="Take the recipe of another model, or train everything at once with --end-to-end.",
        )
    return spec.parts[part]


def freeze_others(network: nn.Module, trained: Sequence[str]) -> None:
    """Let gradients reach the parameters whose names begin so, and no others."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(trained)))


def set_training(network: nn.Module, trained: Sequence[str]) -> None:
    """Put a network into training mode, but the modules of other parts into that of inference.

    There batch normalisation uses its running statistics and leaves them as they are, and dropout lets all pass: what
    is not trained answers in training as it will once it is deployed.
    """
    network.train()
    for name, module in network.named_modules():
        if name and not f"{name}.".startswith(tuple(trained)):
            # Not module.eval(), which reaches into the parts that this one holds.
            module.training = False
