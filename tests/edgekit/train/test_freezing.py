"""Training a part: gradients reach it alone, and nothing else moves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, build_model
from edgekit.train.freezing import EVERYTHING, find_part, freeze_others, set_training
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.train.small_networks import SMALL_EXITS, SmallExits

EARLY = SMALL_EXITS.parts["early"]


def make_network() -> SmallExits:
    return SmallExits(3).train()


def test_gradients_reach_the_part_alone() -> None:
    network = make_network()
    freeze_others(network, EARLY)
    sum(logits.square().mean() for logits in network(torch.randn(4, 1, 16, 16))).backward()
    reached = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert reached == {name for name, _ in network.named_parameters() if name.startswith(EARLY)}
    freeze_others(network, EVERYTHING)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_other_parts_keep_their_statistics_and_drop_nothing() -> None:
    network = make_network().eval()
    set_training(network, EARLY)
    learning = {name for name, module in network.named_modules() if module.training}
    assert learning == {
        "",
        *(name for name, _ in network.named_modules() if f"{name}.".startswith(EARLY)),
    }
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    first, second = (network(torch.ones(4, 1, 16, 16)) for _ in range(2))
    assert torch.equal(first[2], second[2]), "the last exit is not trained: it drops nothing"
    assert not torch.equal(first[0], second[0])
    moved = {name for name, buffer in network.named_buffers() if not torch.equal(buffer, before[name])}
    assert moved == {name for name in before if name.startswith(EARLY)}


def test_everything_trains_everything() -> None:
    network = make_network().eval()
    set_training(network, EVERYTHING)
    assert all(module.training for module in network.modules())


def test_a_part_inside_a_module_that_stays_is_trained() -> None:
    network = nn.Sequential(nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2)))
    set_training(network, ["0.1."])
    assert [module.training for module in network.modules()] == [True, False, False, True]


def test_a_part_that_the_network_does_not_have_is_refused_with_those_it_has() -> None:
    assert find_part(SMALL_EXITS, "early") == EARLY
    assert find_part(SMALL_EXITS, "") == EVERYTHING
    with pytest.raises(UsageProblem, match=r"'head'.*small-exits.*final, early"):
        find_part(SMALL_EXITS, "head")
    with pytest.raises(UsageProblem, match=r"'early'.*cheapnet-s.*none"):
        find_part(MODELS.get("cheapnet-s"), "early")


@pytest.mark.parametrize("spec", [spec for spec in MODELS if spec.parts], ids=lambda spec: spec.name)
def test_the_parts_of_each_model_share_its_parameters_out(spec) -> None:
    with torch.device("meta"):
        names = [name for name, _ in build_model(spec).named_parameters()]
    for name in names:
        assert sum(name.startswith(starts) for starts in spec.parts.values()) == 1, name
