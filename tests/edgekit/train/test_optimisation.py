"""Learning rates and optimisers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.train.optimisation import learning_rate_at, make_optimiser, set_learning_rate
from edgekit.train.recipes import get_recipe

PAPER = get_recipe("cheapnet", "paper")


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 0.01), (59, 0.01), (60, 0.001), (89, 0.001), (90, 0.0001), (119, 0.0001)]
)
def test_the_rate_falls_after_the_papers_milestones(epoch: int, rate: float) -> None:
    assert learning_rate_at(PAPER, epoch) == pytest.approx(rate)


def test_agrees_with_torchs_own_scheduler() -> None:
    optimiser = make_optimiser(PAPER, nn.Linear(1, 1))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, PAPER.milestones, PAPER.gamma)
    for epoch in range(PAPER.epochs):
        assert learning_rate_at(PAPER, epoch) == pytest.approx(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()


def test_the_optimiser_is_adam_over_all_parameters() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimiser = make_optimiser(PAPER, network)
    assert isinstance(optimiser, torch.optim.Adam)
    held = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in network.parameters()}
    set_learning_rate(optimiser, 0.5)
    assert {group["lr"] for group in optimiser.param_groups} == {0.5}
