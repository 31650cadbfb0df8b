"""What torchvision publishes, as the tests need it without torchvision: names, shapes and a network's answers.

The digests and the logits were taken once from torchvision 0.29.2 itself, with the two functions below.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import torch

NAMES = {
    "resnet50": "a87e91cd6bd1f939e0b723852e567a7205d33b0ac984ac02dd1a5f225d37c036",
    "mobilenet-v3-large": "555a3f5e3bcc126ea392ac52ab422c6a68f733ea2a9046dbf0f1b191dd1a09af",
    "shufflenet-v2-0.5": "83434269737afc7fe920ddcf72c95ab266400c6243519a09bdc519fb2730e136",
}
"""Digests of resnet50(), mobilenet_v3_large() and shufflenet_v2_x0_5(), 1000 classes."""


def digest_names(state: Mapping[str, torch.Tensor]) -> str:
    """Return a sha256 of every name and shape of a state dict."""
    lines = [f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(state.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def make_noise(count: int, phase: float) -> torch.Tensor:
    """Return numbers from -1 to 1, float64 (count,), that every machine computes alike and no seed decides."""
    wave = torch.sin((torch.arange(count, dtype=torch.float64) + phase) * 12.9898) * 437.585453
    return 2 * (wave - wave.floor()) - 1


def fill_with_noise(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return other weights of the same names, for every tensor another noise; small enough that nothing explodes."""
    filled = {}
    for place, (name, tensor) in enumerate(sorted(state.items())):
        noise = make_noise(tensor.numel(), 0.37 * place)
        if not tensor.is_floating_point():
            noise = torch.zeros(tensor.numel())
        elif tensor.ndim > 1:
            noise = noise * math.sqrt(3 / tensor[0].numel())
        elif name.endswith(("running_var", "weight")):
            noise = 1 + 0.3 * noise
        filled[name] = noise.to(tensor.dtype).view_as(tensor)
    return filled


def draw_noise_image() -> torch.Tensor:
    """Return a normalised RGB batch (2, 3, 64, 96)."""
    return 2 * make_noise(2 * 3 * 64 * 96, 0.5).float().view(2, 3, 64, 96)
