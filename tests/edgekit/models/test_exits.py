"""Early exits apart from any one network: their classifier, and how they become stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from torch import nn

from edgekit.models.catalogue import EXIT_THRESHOLDS
from edgekit.models.counting import count_exit_macs
from edgekit.models.dinet import Aggregation
from edgekit.models.exits import Classifier, make_exit_stages
from edgekit_export.exportable import ExportInput, ExportStage
from tests.conformance.exportable_conformance import ExportableConformance

WIDTHS = (4, 8, 16)
THRESHOLDS = (0.9, 0.75, 0.5)


class NarrowNetwork(nn.Module):
    """Three exits, DI-Net's pieces on a backbone of three convolutions."""

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            )
            for before, width in zip((3, *WIDTHS), WIDTHS, strict=False)
        )
        self.aggregation = Aggregation(WIDTHS[1], WIDTHS[0])
        self.classifiers = nn.ModuleList(Classifier(width, classes) for width in WIDTHS)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = self.bodies[0](image)
        second = self.bodies[1](first)
        seen = (first, self.aggregation(second, first), self.bodies[2](second))
        return tuple(
            classifier(features) for classifier, features in zip(self.classifiers, seen, strict=True)
        )

    def export_input(self) -> ExportInput:
        return ExportInput(channels="rgb", multiple=1, default_size=(32, 32))

    def stages(self) -> Sequence[ExportStage]:
        return make_exit_stages(
            tuple(self.bodies), tuple(self.classifiers), (None, self.aggregation, None), thresholds=THRESHOLDS
        )


@pytest.fixture
def network() -> NarrowNetwork:
    torch.manual_seed(1)
    return NarrowNetwork().eval()


class TestNarrowNetwork(ExportableConformance):
    """The quick twin of the networks with exits."""

    compiled = (("fp32", 1), ("fp16", None), ("int8", None))

    @pytest.fixture
    def exportable(self, network: NarrowNetwork) -> nn.Module:
        return network

    @pytest.fixture
    def classes(self) -> tuple[str, ...]:
        return ("normal", "hole", "stain")


def test_stages_are_named_by_exit_and_carry_their_features_on(network: NarrowNetwork) -> None:
    first, second, last = network.stages()
    assert (first.name, first.inputs, first.outputs, first.carries) == (
        *("exit1", ("image",), ("features1", "p1"), ("features1",)),
    )
    assert (second.name, second.inputs, second.outputs) == ("exit2", ("features1",), ("features2", "p2"))
    assert (last.name, last.inputs, last.outputs, last.carries) == ("exit3", ("features2",), ("p3",), ())
    assert [stage.exit.threshold for stage in (first, second, last)] == list(THRESHOLDS)


def test_stages_in_a_chain_answer_like_the_whole(network: NarrowNetwork) -> None:
    image = torch.randn(2, 3, 33, 20, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        carried, found = image, []
        *stages, last = network.stages()
        for stage in stages:
            carried, probabilities = stage.module(carried)
            found.append(probabilities)
        found.append(last.module(carried))
        expected = [torch.softmax(logits, dim=1) for logits in network(image)]
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_every_exit_needs_its_own_pieces(network: NarrowNetwork) -> None:
    bodies, classifiers = tuple(network.bodies), tuple(network.classifiers)
    assert len(EXIT_THRESHOLDS) != len(bodies)
    with pytest.raises(ValueError, match="zip"):
        make_exit_stages(bodies, classifiers, [None] * 3)
    with pytest.raises(ValueError, match="zip"):
        make_exit_stages(bodies, classifiers[:2], [None] * 3, thresholds=THRESHOLDS)


def test_a_classifier_halves_the_channels_once() -> None:
    classifier = Classifier(10, 4)
    shapes = [tuple(parameter.shape[:2]) for parameter in classifier.parameters() if parameter.ndim > 1]
    assert shapes == [(5, 10), (5, 5), (4, 5)]


def test_a_classifier_averages_over_the_map() -> None:
    torch.manual_seed(1)
    classifier = Classifier(6, 4)
    column = torch.randn(1, 6, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(classifier(column.expand(1, 6, 5, 3)), classifier(column))
        mixed = torch.cat([column, torch.randn(1, 6, 1, 1)], dim=3)
        swapped = mixed.flip(3)
        torch.testing.assert_close(classifier(mixed), classifier(swapped))


def test_macs_up_to_each_exit_by_hand(network: NarrowNetwork) -> None:
    # 8×8 → maps of 4×4, 2×2 and 1×1 pixels. Backbone: 3·4, 4·8 and 8·16 kernels of 9.
    bodies = (9 * 3 * 4 * 16, 9 * 4 * 8 * 4, 9 * 8 * 16 * 1)
    heads = tuple(
        (width * width // 2 + (width // 2) ** 2) * pixels + width // 2 * 3
        for width, pixels in zip(WIDTHS, (16, 4, 1), strict=True)
    )
    aggregation = (8 * 4 + 4 * 4 + 4 * 8) * 4
    first = bodies[0] + heads[0]
    second = first + bodies[1] + aggregation + heads[1]
    assert count_exit_macs(network, (3, 8, 8)) == (first, second, second + bodies[2] + heads[2])
