"""Losses by name.

Each takes logits, the truth and weights, and returns a scalar. Weights say how much each pixel counts: 0 where a frame
was padded. None counts all pixels alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional as F

Weights = torch.Tensor | None
Loss = Callable[[torch.Tensor, torch.Tensor, Weights], torch.Tensor]

TVERSKY_FALSE_POSITIVES, TVERSKY_FALSE_NEGATIVES, TVERSKY_EPSILON = 0.3, 0.7, 1e-6
"""U-BiNet, section 3: a miss costs more than a false alarm."""

DICE_EPSILON = 1.0
BCE_SHARE = 0.5
"""LOS-UNet, section 4: L_w = dice + 0.5·BCE."""


def binary_cross_entropy(
    logits: torch.Tensor, mask: torch.Tensor, weights: Weights = None, *, positive_weight: float = 1.0
) -> torch.Tensor:
    """Return the mean over all pixels of BCE(sigmoid(logits), mask).

    The same value as the papers' BCE on the sigmoid's output, without its overflow.

    Args:
        logits: float (N, 1, H, W).
        mask: 0 or 1, (N, H, W); a probability where a teacher gives it.
        weights: float (N, H, W), or None.
        positive_weight: How much more a defective pixel counts.
    """
    truth = mask.unsqueeze(1).to(logits.dtype)
    if positive_weight == 1.0 and weights is None:
        return F.binary_cross_entropy_with_logits(logits, truth)
    heavier = None if positive_weight == 1.0 else logits.new_tensor(positive_weight)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none", pos_weight=heavier)
    if weights is None:
        return loss.mean()
    each = weights.unsqueeze(1).to(logits.dtype)
    return (loss * each).sum() / each.sum()


def dice_loss(logits: torch.Tensor, mask: torch.Tensor, weights: Weights = None) -> torch.Tensor:
    """Return 1 − (2Σpg + 1) / (Σp² + Σg² + 1), sums per image, mean over the images (LOS-UNet, section 4)."""
    found, truth = _as_rows(logits, mask, weights)
    overlap = 2 * (found * truth).sum(dim=1) + DICE_EPSILON
    total = (found * found).sum(dim=1) + (truth * truth).sum(dim=1) + DICE_EPSILON
    return (1 - overlap / total).mean()


def dice_and_cross_entropy(logits: torch.Tensor, mask: torch.Tensor, weights: Weights = None) -> torch.Tensor:
    """Return dice + 0.5·BCE (LOS-UNet, section 4)."""
    return dice_loss(logits, mask, weights) + BCE_SHARE * binary_cross_entropy(logits, mask, weights)


def tversky_loss(logits: torch.Tensor, mask: torch.Tensor, weights: Weights = None) -> torch.Tensor:
    """Return 1 − (TP + ε) / (TP + 0.3·FP + 0.7·FN + ε) of soft counts over the batch (U-BiNet, section 3)."""
    found, truth = _as_rows(logits, mask, weights)
    hits = (found * truth).sum()
    alarms, misses = (found - found * truth).sum(), (truth - found * truth).sum()
    weighted = hits + TVERSKY_FALSE_POSITIVES * alarms + TVERSKY_FALSE_NEGATIVES * misses
    return 1 - (hits + TVERSKY_EPSILON) / (weighted + TVERSKY_EPSILON)


def _as_rows(logits: torch.Tensor, mask: torch.Tensor, weights: Weights) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities and truth as (N, pixels), 0 where a pixel does not count."""
    found = torch.sigmoid(logits).flatten(1)
    truth = mask.to(logits.dtype).flatten(1)
    if weights is None:
        return found, truth
    each = weights.to(logits.dtype).flatten(1)
    return found * each, truth * each


def cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: Weights = None,  # noqa: ARG001 - whole images: padding does not come into it
    *,
    class_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the mean over the images of −log softmax(logits)[label].

    Args:
        logits: float (N, classes).
        labels: int64 (N,).
        weights: Not used.
        class_weights: float (classes,); the mean is then weighted by them.
    """
    return F.cross_entropy(logits, labels, weight=class_weights)


SEGMENTING: Mapping[str, Loss] = {
    "bce": binary_cross_entropy,
    "dice": dice_loss,
    "dice-bce": dice_and_cross_entropy,
    "tversky": tversky_loss,
}
CLASSIFYING: Mapping[str, Loss] = {"ce": cross_entropy}
