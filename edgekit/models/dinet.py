"""DI-Net: ResNet-50 with an exit after each stage, so that images that are easy to judge cost less.

Zhao, Zhong, Xu, Wang, Zhang: "Dynamic inference network for online fabric defect detection", J. Intell. Manuf. 36(4),
2025, section 3, Table 1. The text calls the backbone the standard ResNet-50 (3, 4, 6, 3 bottlenecks), Table 1 lists 4,
4, 5, 3: both layouts are here. Widths inside the aggregation and the classifiers are not given; half of the map's
channels fits the paper's speeds best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgekit.models.exits import Classifier, make_exit_stages
from edgekit.models.resnet import EXPANSION, NARROW, UNITS, ResNetBackbone
from edgekit_export.exportable import ExportInput, ExportStage

CHANNELS = tuple(EXPANSION * narrow for narrow in NARROW)
"""Of the feature maps F1 … F4: 256, 512, 1024, 2048."""


class Aggregation(nn.Module):
    """What an exit sees of its own feature map and of the one before: sigmoid(1×1(1×1(own) + 1×1 stride 2(before))).

    Args:
        channels: Of the own map.
        before: Channels of the map before, whose sides are twice as long.
    """

    def __init__(self, channels: int, before: int) -> None:
        super().__init__()
        half = channels // 2
        self.own = nn.Conv2d(channels, half, 1)
        self.before = nn.Conv2d(before, half, 1, stride=2)
        self.join = nn.Conv2d(half, channels, 1)

    def forward(self, features: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Return (N, channels, H, W) between 0 and 1, for maps (N, channels, H, W) and (N, before, 2H, 2W)."""
        return torch.sigmoid(self.join(self.own(features) + self.before(before)))


class DINet(ResNetBackbone):
    """An RGB image in, logits of every exit out.

    Parameter names of the backbone are torchvision's, so that published weights of ResNet-50 load.

    Args:
        classes: Number of classes.
        units: Bottlenecks per stage.
        aggregates: Whether exits 2 to 4 see the map before, too; False is the paper's DI-Net-A.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int, *, units: Sequence[int] = UNITS, aggregates: bool = True) -> None:
        super().__init__(units)
        self.aggregations = nn.ModuleDict()
        if aggregates:
            for number in (2, 3, 4):
                self.aggregations[str(number)] = Aggregation(CHANNELS[number - 1], CHANNELS[number - 2])
        self.classifiers = nn.ModuleDict(
            {str(number): Classifier(channels, classes) for number, channels in enumerate(CHANNELS, 1)}
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits (N, classes) of exits 1 to 4 of a normalised image (N, 3, H, W)."""
        maps = self.extract_features(image)
        answers = []
        for number, (features, classifier) in enumerate(zip(maps, self.classifiers.values(), strict=True), 1):
            aggregation = self._aggregation(number)
            answers.append(
                classifier(features if aggregation is None else aggregation(features, maps[number - 2]))
            )
        return tuple(answers)

    def export_input(self) -> ExportInput:
        """Return the input contract: RGB of any size, for the maps are averaged."""
        return ExportInput(channels="rgb", multiple=1, default_size=(512, 512))

    def stages(self) -> Sequence[ExportStage]:
        """Return four stages, each of which ends in an exit."""
        stem = nn.Sequential(self.conv1, self.bn1, self.relu, self.maxpool, self.layer1)
        return make_exit_stages(
            (stem, self.layer2, self.layer3, self.layer4),
            tuple(self.classifiers.values()),
            [self._aggregation(number) for number in (1, 2, 3, 4)],
        )

    def _aggregation(self, number: int) -> nn.Module | None:
        return dict(self.aggregations.items()).get(str(number))
