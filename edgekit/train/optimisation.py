"""Optimisers and learning rate schedules by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from edgekit.train.recipes import Recipe

MakeOptimiser = Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]


def _make_adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=learning_rate)


OPTIMISERS: Mapping[str, MakeOptimiser] = {"adam": _make_adam}


def make_optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over all parameters of the network."""
    return OPTIMISERS[recipe.optimiser](network.parameters(), recipe.learning_rate)


def learning_rate_at(recipe: Recipe, epoch: int) -> float:
    """Return the learning rate of a 0-based epoch.

    A function of the epoch alone, so that a resumed run needs no scheduler state.
    """
    passed = sum(epoch >= milestone for milestone in recipe.milestones)
    return recipe.learning_rate * recipe.gamma**passed


def set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimiser.param_groups:
        group["lr"] = value
