"""The moving average of weights, against its formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.train.averaging import WeightAverage


def make_network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def move(network: nn.Module, step: int) -> None:
    """Change every weight and buffer, as a step of training would."""
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            else:
                tensor.add_(1)


@pytest.mark.parametrize("decay", [0.3, 0.99])
def test_weights_follow_the_formula_and_buffers_are_copied(decay: float) -> None:
    network = make_network()
    average = WeightAverage(network, decay)
    expected = {name: tensor.double().clone() for name, tensor in network.state_dict().items()}
    for step in range(1, 40):
        move(network, step)
        average.update(network)
        share = min(decay, (1 + step) / (10 + step))
        for name, _ in network.named_parameters():
            expected[name] = share * expected[name] + (1 - share) * network.state_dict()[name].double()
    assert average.steps == 39
    for name, parameter in network.named_parameters():
        # 39 roundings of float32.
        torch.testing.assert_close(average.state()[name].double(), expected[name], rtol=1e-5, atol=1e-6)
        assert not torch.equal(average.state()[name], parameter)
    for name, buffer in network.named_buffers():
        assert torch.equal(average.state()[name], buffer), name


def test_early_averages_move_fast() -> None:
    """Without the warm-up, one step of 0.999 would keep 999 parts of the fresh weights."""
    network = make_network()
    average = WeightAverage(network, 0.999)
    before = average.state()["0.weight"].clone()
    move(network, 1)
    average.update(network)
    torch.testing.assert_close(
        average.state()["0.weight"], before * 2 / 11 + network.state_dict()["0.weight"] * 9 / 11
    )


def test_the_average_shares_no_memory_with_the_network() -> None:
    network = make_network()
    average = WeightAverage(network, 0.9)
    before = {name: tensor.clone() for name, tensor in average.state().items()}
    move(network, 1)
    assert all(torch.equal(average.state()[name], tensor) for name, tensor in before.items())


def test_a_restored_average_goes_on_bit_for_bit() -> None:
    network = make_network()
    average = WeightAverage(network, 0.9)
    for step in range(3):
        move(network, step)
        average.update(network)
    other = WeightAverage(make_network(), 0.9)
    other.restore({name: tensor.clone() for name, tensor in average.state().items()}, steps=average.steps)
    for step in range(3, 6):
        move(network, step)
        average.update(network)
        other.update(network)
    assert other.steps == average.steps
    assert all(torch.equal(other.state()[name], tensor) for name, tensor in average.state().items())
