"""An exponential moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


class WeightAverage:
    """Follows a network's weights; its buffers (running statistics, counters) are taken as they are.

    Early averages are warmed up, decay = min(decay, (1 + n) / (10 + n)), or the fresh weights would stay in them for
    1 / (1 − decay) steps.

    Args:
        network: Whose weights are followed.
        decay: Share of the old average that stays at each step.

    Attributes:
        steps: How many steps were followed.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.steps = 0
        self._parameters = {name for name, _ in network.named_parameters()}
        self._state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Follow one step of the optimiser."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in network.state_dict().items():
            if name in self._parameters:
                self._state[name].lerp_(tensor, 1 - decay)
            else:
                self._state[name].copy_(tensor)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the averaged state dict."""
        return self._state

    def restore(self, state: Mapping[str, torch.Tensor], *, steps: int) -> None:
        """Go on from an averaged state dict of the same network."""
        self.steps = steps
        for name, tensor in self._state.items():
            tensor.copy_(state[name])
