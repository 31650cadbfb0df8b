"""MobileNetV3-Large: the conformance suite, and that it is the published one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_parameters
from edgekit.models.mobilenet import (
    PLANS,
    InvertedResidual,
    MobileNet,
    MobileNetBackbone,
    SqueezeExcitation,
    UnitPlan,
)
from tests.edgekit.models.published import NAMES, digest_names, draw_noise_image, fill_with_noise
from tests.edgekit.models.settling import SettledConformance


@pytest.mark.slow
class TestMobileNet(SettledConformance):
    model = "mobilenet-v3-large"
    compiled = (("int8", None),)  # Mobile-DI has the same layers, and stands for the rest
    sizes = ((32, 32), (33, 47), (64, 40))
    usual_size = (64, 48)


def build_weightless(classes: int) -> nn.Module:
    with torch.device("meta"):
        return MobileNet(classes)


def test_it_has_the_published_number_of_parameters() -> None:
    assert count_parameters(build_weightless(1000)) == 5_483_032
    with torch.device("meta"):
        assert count_parameters(MobileNetBackbone()) == 2_971_952


def test_it_has_the_published_number_of_operations() -> None:
    # torchvision states 0.217 GMAC with its weights.
    assert count_cost(build_weightless(1000), (3, 224, 224)).operations == 216_589_760


def test_its_names_and_shapes_are_the_published_ones() -> None:
    assert digest_names(build_weightless(1000).state_dict()) == NAMES["mobilenet-v3-large"]


def test_it_answers_like_the_published_network() -> None:
    """torchvision 0.29.2 gave these numbers; beside it, with torch 2.13, both networks agreed bit for bit."""
    network = MobileNet(1000).eval()
    network.load_state_dict(fill_with_noise(network.state_dict()))
    with torch.no_grad():
        logits = network(draw_noise_image())[:, :4]
    expected = [
        [-1.210784673690796, 1.4174469709396362, -0.15603160858154297, -0.1717473268508911],
        [-1.210558533668518, 1.4160161018371582, -0.15715312957763672, -0.17185360193252563],
    ]
    # Other processors sum in another order; the two images differ by up to 0.003.
    torch.testing.assert_close(logits, torch.tensor(expected), rtol=0, atol=5e-5)


def test_batch_norm_has_the_published_constants() -> None:
    norms = [module for module in build_weightless(5).modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(0.001, 0.01)}


def test_channels_inside_squeeze_and_excitation_are_a_quarter_of_those_around_it() -> None:
    squeezing = [plan for plan in PLANS if plan.squeezed]
    assert len(squeezing) == 8
    assert all(plan.squeezed % 8 == 0 for plan in squeezing)
    assert all(0 <= plan.squeezed - plan.inner / 4 < 8 for plan in squeezing)


def test_squeeze_and_excitation_weights_channels_from_none_to_all() -> None:
    module = SqueezeExcitation(3, 8)
    with torch.no_grad():
        module.fc2.weight.zero_()
        module.fc2.bias.copy_(torch.tensor([-3.0, 0.0, 3.0]))
        image = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
        weights = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
        torch.testing.assert_close(module(image), image * weights)


@pytest.mark.parametrize(
    ("inputs", "plan", "adds"),
    [
        (16, UnitPlan(3, 16, 16, 0, nn.ReLU), True),
        (16, UnitPlan(3, 64, 16, 0, nn.ReLU, stride=2), False),
        (16, UnitPlan(3, 64, 24, 0, nn.ReLU), False),
    ],
)
def test_a_unit_adds_its_input_where_shapes_agree(inputs: int, plan: UnitPlan, adds: bool) -> None:
    unit = InvertedResidual(inputs, plan).eval()
    nn.init.zeros_(unit.block[-1][-1].weight)  # the last BatchNorm: what is left is the input, or nothing
    image = torch.randn(2, inputs, 6, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result = unit(image)
    assert torch.equal(result, image if adds else torch.zeros_like(result))


def test_the_registry_builds_a_head_for_the_classes() -> None:
    with torch.device("meta"):
        network = build_model(MODELS.get("mobilenet-v3-large").for_classes(["good", "bad"]))
    assert network.classifier[-1].out_features == 2
