"""ShuffleNet V2 0.5×: the conformance suite, and that it is the published one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models.counting import count_parameters
from edgekit.models.shufflenet import ShuffleNet, Unit
from tests.conformance.model_conformance import ModelConformance
from tests.edgekit.models.published import NAMES, digest_names, draw_noise_image, fill_with_noise


@pytest.mark.slow
class TestShuffleNet(ModelConformance):
    model = "shufflenet-v2-0.5"
    sizes = ((32, 32), (33, 47), (64, 40))
    usual_size = (64, 48)


def build_weightless() -> nn.Module:
    with torch.device("meta"):
        return ShuffleNet(1000)


def test_it_has_the_published_number_of_parameters() -> None:
    assert count_parameters(build_weightless()) == 1_366_792


def test_its_names_and_shapes_are_the_published_ones() -> None:
    assert digest_names(build_weightless().state_dict()) == NAMES["shufflenet-v2-0.5"]


def test_it_answers_like_the_published_network() -> None:
    network = ShuffleNet(1000).eval()
    network.load_state_dict(fill_with_noise(network.state_dict()))
    with torch.no_grad():
        logits = network(draw_noise_image())[:, :4]
    expected = [
        [-1.2621002197265625, 0.9691616296768188, -0.1017293930053711, -0.04916667938232422],
        [-1.2624292373657227, 0.9686974883079529, -0.1023193895816803, -0.050877928733825684],
    ]
    # Other processors sum in another order; the two images differ by up to 0.002.
    torch.testing.assert_close(logits, torch.tensor(expected), rtol=0, atol=5e-5)


def test_half_of_the_channels_pass_a_unit_and_are_shuffled() -> None:
    unit = Unit(8).eval()
    image = torch.randn(2, 8, 5, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result = unit(image)
        assert torch.equal(result[:, 0::2], image[:, :4])
        assert torch.equal(result[:, 1::2], unit.branch2(image[:, 4:]))
