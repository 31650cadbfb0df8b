"""LOS-UNet's blocks cost what its table says."""

from __future__ import annotations

import torch
from torch import nn

from edgekit.models.counting import count_cost
from edgekit.models.los_blocks import make_block_d


def test_block_d_costs_what_the_papers_table_says() -> None:
    # The table's row of block D, 3 to 64 channels at 96²: 0.15 MB, 359.79 M by its counting rule.
    cost = count_cost(make_block_d(3, 64), (3, 96, 96), rule="ptflops0.7")
    assert cost.parameters == 38_976
    assert cost.operations == 359_792_640
    assert round(4 * cost.parameters / 2**20, 2) == 0.15


def test_block_d_keeps_the_size_and_ends_without_an_activation() -> None:
    block = make_block_d(3, 8).train()
    result = block(torch.randn(4, 3, 10, 7, generator=torch.Generator().manual_seed(1)))
    assert result.shape == (4, 8, 10, 7)
    assert (result < 0).any()
    # Of a normalised map about half is below zero; an activation would leave nothing there.
    assert isinstance(block[-1], nn.BatchNorm2d)
    assert all(layer.bias is not None for layer in block if isinstance(layer, nn.Conv2d))
