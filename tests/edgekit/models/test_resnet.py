"""ResNet-50: the conformance suites, and that it is the published one, name by name and number by number."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_parameters
from edgekit.models.resnet import ResNet, ResNetBackbone
from tests.conformance.exportable_conformance import ExportableConformance
from tests.conformance.model_conformance import ModelConformance
from tests.edgekit.models.published import NAMES, digest_names, draw_noise_image, fill_with_noise


@pytest.mark.slow
class TestResNet50(ModelConformance):
    model = "resnet50"
    compiled = (("int8", None),)  # 24 million weights: the shallow twin stands for the rest
    sizes = ((32, 32), (33, 47), (64, 40))
    usual_size = (64, 48)


class TestShallowResNet(ExportableConformance):
    """The quick twin: one bottleneck per stage."""

    @pytest.fixture
    def exportable(self) -> nn.Module:
        torch.manual_seed(1)
        return ResNet(3, units=(1, 1, 1, 1)).eval()

    @pytest.fixture
    def classes(self) -> tuple[str, ...]:
        return ("normal", "hole", "stain")


def build_weightless(classes: int) -> nn.Module:
    with torch.device("meta"):
        return ResNet(classes)


def test_it_costs_what_di_nets_paper_implies() -> None:
    cost = count_cost(build_weightless(5), (3, 512, 512), rule="macs")
    assert round(cost.operations / 1e9, 3) == 21.353
    with torch.device("meta"):
        assert count_parameters(ResNetBackbone()) == 23_508_032
    assert cost.parameters == 23_508_032 + 5 * 2048 + 5


def test_it_has_the_published_number_of_parameters() -> None:
    assert count_parameters(build_weightless(1000)) == 25_557_032


def test_its_names_and_shapes_are_the_published_ones() -> None:
    assert digest_names(build_weightless(1000).state_dict()) == NAMES["resnet50"]


def test_it_answers_like_the_published_network() -> None:
    network = ResNet(1000).eval()
    network.load_state_dict(fill_with_noise(network.state_dict()))
    with torch.no_grad():
        logits = network(draw_noise_image())[:, :4]
    expected = [
        [-10.125359535217285, -3.7011473178863525, -1.072068452835083, -5.82175874710083],
        [-10.40224552154541, -3.7565228939056396, -1.349153757095337, -6.08878755569458],
    ]
    # Other processors sum in another order; the two images differ by 0.3.
    torch.testing.assert_close(logits, torch.tensor(expected), rtol=0, atol=2e-3)


def test_feature_maps_are_those_of_di_nets_table() -> None:
    with torch.device("meta"):
        maps = ResNetBackbone().extract_features(torch.empty(1, 3, 512, 512))
    assert [tuple(feature.shape[1:]) for feature in maps] == [
        (256, 128, 128),
        (512, 64, 64),
        (1024, 32, 32),
        (2048, 16, 16),
    ]


def test_the_stride_is_on_the_3x3_convolution() -> None:
    first = build_weightless(5).get_submodule("layer2.0")
    assert (first.conv1.stride, first.conv2.stride) == ((1, 1), (2, 2))


def test_the_registry_builds_a_head_for_the_classes() -> None:
    spec = MODELS.get("resnet50").for_classes(["good", "bad"])
    with torch.device("meta"):
        assert build_model(spec).fc.out_features == 2
    assert spec.normal_class is None
    assert MODELS.get("resnet50").for_classes(["hole", "normal"]).normal_class == "normal"
