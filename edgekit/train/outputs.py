"""What a network answers: logits, or, where it has early exits, the logits of each."""

from __future__ import annotations

from collections.abc import Callable

import torch

Outputs = torch.Tensor | tuple[torch.Tensor, ...]


def to_float(outputs: Outputs) -> Outputs:
    """Return the answers in 32 bits."""
    return _change(outputs, torch.Tensor.float)


def soften(outputs: Outputs, temperature: float) -> Outputs:
    """Return the answers divided by a temperature."""
    return _change(outputs, lambda logits: logits / temperature)


def take_last(outputs: Outputs) -> torch.Tensor:
    """Return the one answer, or that of the last exit."""
    return outputs if isinstance(outputs, torch.Tensor) else outputs[-1]


def _change(outputs: Outputs, change: Callable[[torch.Tensor], torch.Tensor]) -> Outputs:
    return change(outputs) if isinstance(outputs, torch.Tensor) else tuple(map(change, outputs))
