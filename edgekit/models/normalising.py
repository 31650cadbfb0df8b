"""From camera frames to what a network sees."""

from __future__ import annotations

import torch

from edgekit_export.exportable import Normalisation


def normalise(frames: torch.Tensor, normalisation: Normalisation) -> torch.Tensor:
    """Return float32 (N, C, H, W) of integers (N, H, W) or (N, H, W, 3): (frame / scale − mean) / std."""
    channels_first = frames.unsqueeze(1) if frames.ndim == 3 else frames.permute(0, 3, 1, 2)
    mean = torch.tensor(normalisation.mean, device=frames.device).view(1, -1, 1, 1)
    std = torch.tensor(normalisation.std, device=frames.device).view(1, -1, 1, 1)
    return (channels_first.to(torch.float32) / normalisation.scale - mean) / std
