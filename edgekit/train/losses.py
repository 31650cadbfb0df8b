"""Losses by name. Each takes logits and targets and returns a scalar."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional as F

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def binary_cross_entropy(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean over all pixels of BCE(sigmoid(logits), mask).

    The same value as the paper's BCE on the sigmoid's output, without its overflow.

    Args:
        logits: float (N, 1, H, W).
        mask: 0 or 1, (N, H, W).
    """
    return F.binary_cross_entropy_with_logits(logits, mask.unsqueeze(1).to(logits.dtype))


LOSSES: Mapping[str, Loss] = {"bce": binary_cross_entropy}
