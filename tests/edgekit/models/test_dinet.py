"""DI-Net: the conformance suites, and every figure of the paper's costs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, build_model
from edgekit.models.counting import count_cost, count_exit_macs, count_parameters
from edgekit.models.dinet import Aggregation, DINet
from edgekit.models.resnet import ResNet, ResNetBackbone
from tests.conformance.exit_conformance import ExitConformance

SIZE = (3, 512, 512)

EXITS = {
    "dinet": (4.912, 12.428, 22.226, 28.601),
    "dinet-a": (4.912, 11.086, 19.541, 24.574),
    "dinet-table1": (6.052, 13.569, 22.226, 28.601),
}
"""Cumulative GMAC of an image that leaves at each exit, with five classes."""


@pytest.mark.slow
class TestDINet(ExitConformance):
    model = "dinet"
    compiled = (("int8", None),)  # 35 million weights: the narrow twin of `test_exits` stands for the rest
    sizes = ((32, 32), (33, 47), (64, 40))
    usual_size = (64, 48)


def build_weightless(name: str) -> nn.Module:
    with torch.device("meta"):
        return build_model(MODELS.get(name))


def in_giga(macs: int) -> float:
    return round(macs / 1e9, 3)


@pytest.mark.parametrize("name", list(EXITS))
def test_leaving_at_each_exit_costs_what_the_paper_implies(name: str) -> None:
    network = build_weightless(name)
    assert tuple(in_giga(macs) for macs in count_exit_macs(network, SIZE)) == EXITS[name]


def test_costs_relative_to_resnet50_are_the_papers() -> None:
    with torch.device("meta"):
        plain = count_cost(ResNet(5), SIZE).operations
    spent = count_exit_macs(build_weightless("dinet"), SIZE)
    assert [round(macs / plain, 3) for macs in spent] == [0.230, 0.582, 1.041, 1.339]


def test_parameters_are_the_papers() -> None:
    network = build_weightless("dinet")
    assert count_parameters(network.aggregations) == 6_888_448
    assert count_parameters(network.classifiers) == 4_191_380
    with torch.device("meta"):
        assert count_parameters(ResNetBackbone()) == 23_508_032
        assert count_parameters(ResNetBackbone((4, 4, 5, 3))) == 22_461_248
    assert count_parameters(network) == 34_587_860 == 23_508_032 + 6_888_448 + 4_191_380
    assert count_parameters(build_weightless("dinet-a")) == 34_587_860 - 6_888_448
    assert count_parameters(build_weightless("dinet-table1")) == 34_587_860 - 23_508_032 + 22_461_248


def test_each_aggregation_and_each_classifier_costs_the_same() -> None:
    """Sides halve where channels double, so that every exit costs as much as the others."""
    network = build_weightless("dinet")
    maps = [(256, 128), (512, 64), (1024, 32), (2048, 16)]
    heads = [
        count_cost(network.classifiers[str(number)], (channels, side, side)).operations
        for number, (channels, side) in enumerate(maps, 1)
    ]
    assert [in_giga(macs) for macs in heads] == [0.805] * 4
    plain, aggregated = (count_exit_macs(build_weightless(name), SIZE) for name in ("dinet-a", "dinet"))
    shares = [after - before for before, after in zip(plain, aggregated, strict=True)]
    # Cumulative as well: none at exit 1, then one more at each.
    assert [in_giga(share) for share in shares] == [0, 1.342, 2.684, 4.027]
    assert shares == [number * shares[1] for number in range(4)]


def test_table1_has_units_of_its_own() -> None:
    network = build_weightless("dinet-table1")
    assert [len(getattr(network, f"layer{number}")) for number in (1, 2, 3, 4)] == [4, 4, 5, 3]


def test_the_backbone_is_resnet50_name_by_name() -> None:
    names = build_weightless("dinet").state_dict()
    backbone = {name for name in names if not name.startswith(("aggregations.", "classifiers."))}
    assert backbone == {name for name in build_weightless("resnet50").state_dict() if name[:3] != "fc."}


def test_an_exit_sees_its_own_map_and_the_raw_one_before() -> None:
    torch.manual_seed(1)
    network = DINet(3, units=(1, 1, 1, 1)).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        maps, logits = network.extract_features(image), network(image)
        assert torch.equal(logits[0], network.classifiers["1"](maps[0]))
        for number in (2, 3, 4):
            seen = network.aggregations[str(number)](maps[number - 1], maps[number - 2])
            assert torch.equal(logits[number - 1], network.classifiers[str(number)](seen))


def test_without_aggregation_an_exit_sees_its_own_map_alone() -> None:
    torch.manual_seed(1)
    network = DINet(3, units=(1, 1, 1, 1), aggregates=False).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        maps, logits = network.extract_features(image), network(image)
        for number, (features, answer) in enumerate(zip(maps, logits, strict=True), 1):
            assert torch.equal(answer, network.classifiers[str(number)](features))


def test_aggregation_is_the_formula_of_the_paper() -> None:
    torch.manual_seed(1)
    module = Aggregation(4, 2)
    own, before = torch.randn(1, 4, 3, 5), torch.randn(1, 2, 6, 10)
    with torch.no_grad():
        inner = torch.einsum("oc,nchw->nohw", module.own.weight[:, :, 0, 0], own)
        inner += torch.einsum("oc,nchw->nohw", module.before.weight[:, :, 0, 0], before[:, :, ::2, ::2])
        inner += (module.own.bias + module.before.bias).view(1, -1, 1, 1)
        joined = torch.einsum("oc,nchw->nohw", module.join.weight[:, :, 0, 0], inner)
        expected = torch.sigmoid(joined + module.join.bias.view(1, -1, 1, 1))
        torch.testing.assert_close(module(own, before), expected)


@pytest.mark.parametrize("size", [(33, 47), (1, 1), (63, 31), (2, 65)])
def test_maps_of_odd_sides_meet(size: tuple[int, int]) -> None:
    """⌈side / 2⌉ of the stride-2 convolutions of backbone and aggregation agree, so that any size is taken."""
    with torch.no_grad():
        logits = build_weightless("dinet").eval()(torch.empty(2, 3, *size, device="meta"))
    assert [answer.shape for answer in logits] == [(2, 5)] * 4
