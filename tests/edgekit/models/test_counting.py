"""The three counting rules, on small modules by hand and on every row of CheapNet's tables."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_exit_macs
from edgekit_runtime.errors import UsageProblem

# G, parameters and FLOPs (rule thop0.1.1, one grey image of 512²), as the paper prints them. Its one misprint is
# the last digit of depthwise G = 1024, printed …641: the other nine rows fix both coefficients of the line.
DEPTHWISE = [
    (2, 277, 26_421_248),
    (4, 551, 51_793_920),
    (8, 1_099, 102_539_264),
    (16, 2_195, 204_029_952),
    (32, 4_387, 407_011_328),
    (64, 8_771, 812_974_080),
    (128, 17_539, 1_624_899_584),
    (256, 35_075, 3_248_750_592),
    (512, 70_147, 6_496_452_608),
    (1024, 140_291, 12_991_856_640),
]
STANDARD = [
    (2, 475, 40_448_000),
    (4, 1_739, 135_954_432),
    (8, 6_643, 495_288_320),
    (16, 25_955, 1_887_240_192),
    (32, 102_595, 7_364_280_320),
    (64, 407_939, 29_090_906_112),
    (128, 1_626_883, 115_634_339_840),
    (256, 6_497_795, 461_081_935_872),
    (512, 25_971_715, 1_841_420_042_240),
    (1024, 103_847_939, 7_359_867_912_192),
]


def build_weightless(name: str) -> nn.Module:
    with torch.device("meta"):
        return build_model(MODELS.get(name))


@pytest.mark.parametrize(("width", "parameters", "flops"), DEPTHWISE)
def test_depthwise_cheapnet_costs_what_the_paper_says(width: int, parameters: int, flops: int) -> None:
    network = build_weightless(f"cheapnet-g{width}")
    cost = count_cost(network, (1, 512, 512), rule="thop0.1.1")
    assert (cost.parameters, cost.operations) == (parameters, flops)
    assert count_cost(network, (1, 512, 512), rule="macs").operations == 5_224_448 * width


@pytest.mark.parametrize(("width", "parameters", "flops"), STANDARD)
def test_standard_cheapnet_costs_what_the_paper_says(width: int, parameters: int, flops: int) -> None:
    cost = count_cost(build_weightless(f"cheapnet-std-g{width}"), (1, 512, 512), rule="thop0.1.1")
    assert (cost.parameters, cost.operations) == (parameters, flops)


@pytest.mark.parametrize(
    ("alias", "width"), [("s", 2), ("m", 32), ("l", 1024)], ids=["small", "medium", "large"]
)
@pytest.mark.parametrize("family", ["cheapnet", "cheapnet-std"])
def test_letters_name_the_widths_of_the_paper(family: str, alias: str, width: int) -> None:
    letter, number = MODELS.get(f"{family}-{alias}"), MODELS.get(f"{family}-g{width}")
    assert (letter.factory, letter.arguments) == (number.factory, number.arguments)


# module, input (C, H, W), parameters, macs, thop0.1.1, ptflops0.7
BY_HAND = {
    # out 5×4×4 = 80 elements, 9·3 products each: 2160; bias adds 80
    "convolution": (nn.Conv2d(3, 5, 3), (3, 6, 6), 140, 2160, 2160, 2240),
    "convolution without bias": (nn.Conv2d(3, 5, 3, bias=False), (3, 6, 6), 135, 2160, 2160, 2160),
    # out 6×6×6 = 216 elements, each from 4/2 = 2 channels: 216·9·2
    "grouped": (nn.Conv2d(4, 6, 3, padding=1, groups=2), (4, 6, 6), 114, 3888, 3888, 4104),
    "strided": (nn.Conv2d(2, 2, 3, stride=2, padding=1), (2, 6, 6), 38, 324, 324, 342),
    "one row kernel": (nn.Conv2d(2, 3, (1, 5)), (2, 4, 9), 33, 600, 600, 660),
    # in 4×3×3 = 36 elements, each into 9·6 products: 1944; thop counts the 6·6·6 = 216 outputs · 9·4 = 7776
    "transposed": (
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
        (4, 3, 3),
        222,
        1944,
        7776,
        1944 + 216,
    ),
    # in 3×4×5 = 60 elements, four times as many out
    "upsampling": (nn.Upsample(scale_factor=2, mode="bilinear"), (3, 4, 5), 0, 0, 0, 240),
    "transposed, grouped": (
        nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False),
        (4, 3, 3),
        36,
        36 * 9 * 2 // 2,
        72 * 9 * 4 // 2,
        36 * 9 * 2 // 2,
    ),
    "linear": (nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2), 65, 60, 60, 65),
    "linear without bias": (
        nn.Sequential(nn.Flatten(), nn.Linear(12, 5, bias=False)),
        (3, 2, 2),
        60,
        60,
        60,
        60,
    ),
    "batch norm": (nn.BatchNorm2d(3), (3, 2, 5), 6, 0, 120, 60),
    "batch norm, not affine": (nn.BatchNorm2d(3, affine=False), (3, 2, 5), 0, 0, 120, 30),
    "relu": (nn.ReLU(), (2, 3, 4), 0, 0, 0, 24),
    "prelu": (nn.PReLU(2), (2, 3, 4), 2, 0, 0, 24),
    "leaky relu": (nn.LeakyReLU(), (2, 3, 4), 0, 0, 0, 24),
    "sigmoid": (nn.Sigmoid(), (2, 3, 4), 0, 0, 0, 0),
    "max pooling": (nn.MaxPool2d(2), (2, 4, 6), 0, 0, 0, 48),
    "average pooling": (nn.AdaptiveAvgPool2d(1), (2, 4, 6), 0, 0, 0, 48),
}


@pytest.mark.parametrize("case", list(BY_HAND))
def test_small_modules_by_hand(case: str) -> None:
    module, shape, parameters, macs, thop, ptflops = BY_HAND[case]
    counted = {
        rule: count_cost(module, shape, rule=rule).operations for rule in ("macs", "thop0.1.1", "ptflops0.7")
    }
    assert counted == {"macs": macs, "thop0.1.1": thop, "ptflops0.7": ptflops}
    assert count_cost(module, shape).parameters == parameters


def test_a_module_that_runs_twice_counts_twice() -> None:
    layer = nn.Conv2d(2, 2, 1, bias=False)
    once, twice = nn.Sequential(layer), nn.Sequential(layer, layer)
    assert count_cost(twice, (2, 3, 3)).operations == 2 * count_cost(once, (2, 3, 3)).operations
    assert count_cost(twice, (2, 3, 3)).parameters == count_cost(once, (2, 3, 3)).parameters


def test_counting_leaves_each_module_in_its_mode() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    network[1].eval()
    count_cost(network, (1, 8, 8))
    assert [module.training for module in network.modules()] == [True, True, False]


def test_hooks_are_gone_when_the_network_fails() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(3, 2, 3)).train()
    with pytest.raises(RuntimeError):
        count_cost(network, (1, 8, 8))
    assert not network[0]._forward_hooks
    assert network[0].training


def test_an_unknown_rule_names_the_known_ones() -> None:
    with pytest.raises(UsageProblem, match=r"macs, thop0\.1\.1, ptflops0\.7"):
        count_cost(nn.ReLU(), (1, 2, 2), rule="flops")


def test_a_network_without_early_exits_costs_the_whole_at_its_only_one() -> None:
    network = build_weightless("resnet50")
    assert count_exit_macs(network, (3, 64, 64)) == (count_cost(network, (3, 64, 64)).operations,)


def test_a_segmenting_network_has_no_exit() -> None:
    assert count_exit_macs(build_weightless("cheapnet-s"), (1, 32, 32)) == ()
