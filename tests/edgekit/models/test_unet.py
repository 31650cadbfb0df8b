"""The U-Nets: the conformance suites, the papers' counts, and both networks written a second time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_parameters
from edgekit.models.los_blocks import make_block_d
from edgekit.models.unet import UNet, make_half_unet, make_los_unet
from edgekit_runtime.errors import UsageProblem
from tests.conformance.exportable_conformance import ExportableConformance
from tests.conformance.model_conformance import ModelConformance

NARROW = (4, 6, 8, 10, 12)


@pytest.mark.slow
class TestUNet(ModelConformance):
    model = "unet"
    compiled = (("fp32", None),)  # 31 million weights: the narrow twins stand for the rest


@pytest.mark.slow
class TestUNet32(ModelConformance):
    model = "unet-32"


class TestNarrowUNet(ExportableConformance):
    """The quick twin of `unet`: the same network with fewer channels."""

    @pytest.fixture
    def exportable(self) -> nn.Module:
        torch.manual_seed(1)
        return make_los_unet(widths=NARROW).eval()


class TestNarrowUNet32(ExportableConformance):
    """The quick twin of `unet-32`."""

    @pytest.fixture
    def exportable(self) -> nn.Module:
        torch.manual_seed(1)
        return make_half_unet(widths=NARROW).eval()


def build_weightless(model: str) -> nn.Module:
    with torch.device("meta"):
        return build_model(MODELS.get(model))


def test_unet_costs_what_the_papers_table_says() -> None:
    cost = count_cost(build_weightless("unet"), (3, 96, 96), rule="macs")
    assert cost.parameters == 31_390_721
    assert round(cost.operations / 1e9, 4) == 7.8305


def test_unet_32_has_the_layout_of_u_binet_and_its_own_biases() -> None:
    network = build_weightless("unet-32")
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    # Section C.4's count of weights that become 1-bit: all but those of the first and the last convolution.
    inner = [m for m in convolutions if m not in (network.encoders[0][0], network.head)]
    assert sum(m.weight.numel() for m in inner) == 7_755_776
    # U-BiNet has no biases there, and two parameters per channel in each of its activations.
    channels = sum(m.num_features for m in norms)
    ends = network.encoders[0][0].weight.numel() + network.head.weight.numel() + 1
    assert 7_755_776 + ends + 2 * channels + 2 * channels == 7_767_873
    assert count_parameters(network) == 7_765_409
    assert f"{count_parameters(network) / 1e6:.2f}" == "7.77"


@pytest.mark.parametrize(
    ("model", "into_decoders"), [("unet", [1536, 768, 384, 192]), ("unet-32", [512, 256, 128, 64])]
)
def test_decoders_see_the_skip_and_what_comes_from_below(model: str, into_decoders: list[int]) -> None:
    network = build_weightless(model)
    assert [decoder[0].in_channels for decoder in network.decoders] == into_decoders


def test_there_must_be_one_block_per_position() -> None:
    with pytest.raises(UsageProblem, match=r"9 blocks.*got 8"):
        UNet(1, NARROW, [make_block_d] * 8, growth="bilinear", default_size=(32, 32))


def test_every_position_gets_its_own_block() -> None:
    made: list[tuple[int, int]] = []

    def remember(position: int) -> Any:
        def make(inputs: int, outputs: int) -> nn.Module:
            made.append((position, outputs))
            return nn.Conv2d(inputs, outputs, 1)

        return make

    network = UNet(
        1, NARROW, [remember(n) for n in range(9)], growth="bilinear", default_size=(32, 32)
    ).eval()
    assert made == list(enumerate((*NARROW, *NARROW[-2::-1])))
    assert network(torch.zeros(1, 1, 32, 48)).shape == (1, 1, 32, 48)


def run_by_the_papers_words(
    state: dict[str, torch.Tensor], image: torch.Tensor, *, half: bool
) -> torch.Tensor:
    """Both networks a second time, from section C.4 or D.2 and a state dict alone."""

    def block(name: str, source: torch.Tensor) -> torch.Tensor:
        for place in (0, 3):
            source = F.conv2d(
                source, state[f"{name}.{place}.weight"], state[f"{name}.{place}.bias"], padding=1
            )
            keys = ("running_mean", "running_var", "weight", "bias")
            source = F.batch_norm(source, *(state[f"{name}.{place + 1}.{key}"] for key in keys), eps=1e-5)
            if place == 0 or half:
                source = F.relu(source)
        return source

    maps = [block("encoders.0", image)]
    for level in range(1, 5):
        maps.append(block(f"encoders.{level}", F.max_pool2d(maps[-1], 2)))
    deep = maps.pop()
    for level in range(4):
        if half:
            weight, bias = (state[f"growths.{level}.{key}"] for key in ("weight", "bias"))
            grown = F.conv_transpose2d(deep, weight, bias, stride=2)
        else:
            grown = F.interpolate(deep, scale_factor=2, mode="bilinear", align_corners=False)
        deep = block(f"decoders.{level}", torch.cat([maps.pop(), grown], 1))
    return F.conv2d(deep, state["head.weight"], state["head.bias"])


@pytest.mark.parametrize("half", [False, True])
def test_equals_the_papers_words_written_a_second_time(half: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    network = (make_half_unet if half else make_los_unet)(widths=NARROW).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh statistics would hide a wrong order
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    image = torch.randn(2, network.channels, 32, 48, generator=generator)
    with torch.no_grad():
        expected = run_by_the_papers_words(network.state_dict(), image, half=half)
        assert torch.equal(network(image), expected)


def test_bilinear_growth_does_not_follow_the_size_of_the_image() -> None:
    grow = make_los_unet(widths=NARROW).growths[0]
    small = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    large = F.pad(small, (0, 8, 0, 8))
    # Away from the new border both grow alike; with aligned corners no pixel would.
    assert torch.equal(grow(small)[..., :6, :6], grow(large)[..., :6, :6])
