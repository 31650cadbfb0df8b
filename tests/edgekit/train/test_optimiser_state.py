"""An optimiser's state without pickle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from edgekit.checkpoints.format import serialise_tensors
from edgekit.train.optimiser_state import dump_optimiser, restore_optimiser
from edgekit_runtime.errors import CheckpointError

SOURCE = Path("optimiser.safetensors")


def make_pair() -> tuple[nn.Module, torch.optim.Optimizer]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 1, 1))
    return network, torch.optim.Adam(network.parameters(), lr=0.1)


def step(network: nn.Module, optimiser: torch.optim.Optimizer, times: int) -> None:
    for number in range(times):
        optimiser.zero_grad()
        network(torch.full((1, 2, 4, 4), float(number))).sum().backward()
        optimiser.step()


def test_the_state_survives_bit_for_bit() -> None:
    network, optimiser = make_pair()
    step(network, optimiser, 3)
    other, restored = make_pair()
    other.load_state_dict(network.state_dict())
    restore_optimiser(restored, dump_optimiser(optimiser), SOURCE)
    step(network, optimiser, 3)
    step(other, restored, 3)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))
    assert dump_optimiser(optimiser) == dump_optimiser(restored)


def test_an_optimiser_that_never_stepped() -> None:
    _, optimiser = make_pair()
    restore_optimiser(optimiser, dump_optimiser(optimiser), SOURCE)
    assert optimiser.state_dict()["state"] == {}


@pytest.mark.parametrize(
    "tensors",
    [
        {"9.exp_avg": torch.zeros(3)},
        {"x.exp_avg": torch.zeros(3)},
        {"-1.exp_avg": torch.zeros(3)},
        {"0.exp_avg": torch.zeros(5, 5)},
    ],
)
def test_the_state_of_another_network_is_refused(tensors: dict[str, torch.Tensor]) -> None:
    _, optimiser = make_pair()
    with pytest.raises(CheckpointError, match="another network"):
        restore_optimiser(optimiser, serialise_tensors(tensors), SOURCE)


def test_bytes_that_are_none_are_refused() -> None:
    with pytest.raises(CheckpointError, match="safetensors"):
        restore_optimiser(make_pair()[1], b"\x80\x04.", SOURCE)
