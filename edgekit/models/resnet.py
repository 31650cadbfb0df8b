"""ResNet-50 for classification, the backbone of DI-Net and its baseline.

He, Zhang, Ren, Sun: "Deep residual learning for image recognition", Table 1, with the stride on the 3×3 convolution
("v1.5"), as torchvision's published weights have it. Parameter names are torchvision's, so that these weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgekit.models.classifying import make_only_stage
from edgekit_export.exportable import ExportInput, ExportStage

UNITS = (3, 4, 6, 3)
"""Bottlenecks per stage."""

NARROW = (64, 128, 256, 512)
"""Channels inside the bottlenecks of each stage."""

EXPANSION = 4
"""A bottleneck's output has this many times its inner channels."""


class Bottleneck(nn.Module):
    """1×1 → 3×3 → 1×1 beside an identity, or beside a 1×1 projection where the shape changes.

    Args:
        inputs: Channels in.
        narrow: Channels inside; four times as many come out.
        stride: Of the 3×3 convolution and the projection.
    """

    def __init__(self, inputs: int, narrow: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * narrow
        self.conv1 = nn.Conv2d(inputs, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, 4 · narrow, H / stride, W / stride)."""
        inner = self.relu(self.bn1(self.conv1(image)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        beside = image if self.downsample is None else self.downsample(image)
        result: torch.Tensor = self.relu(inner + beside)
        return result


class ResNetBackbone(nn.Module):
    """Stem and four stages: 23,508,032 parameters with the default units.

    Args:
        units: Bottlenecks per stage.
    """

    def __init__(self, units: Sequence[int] = UNITS) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, NARROW[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(NARROW[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _make_stage(NARROW[0], NARROW[0], units[0], stride=1)
        self.layer2 = _make_stage(EXPANSION * NARROW[0], NARROW[1], units[1], stride=2)
        self.layer3 = _make_stage(EXPANSION * NARROW[1], NARROW[2], units[2], stride=2)
        self.layer4 = _make_stage(EXPANSION * NARROW[2], NARROW[3], units[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def extract_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the feature maps F1 … F4 of a normalised image (N, 3, H, W).

        They have 256, 512, 1024 and 2048 channels at 1/4, 1/8, 1/16 and 1/32 of the sides.
        """
        first = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(image)))))
        second = self.layer2(first)
        third = self.layer3(second)
        return first, second, third, self.layer4(third)


def _make_stage(inputs: int, narrow: int, units: int, *, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, narrow, stride)
    return nn.Sequential(first, *(Bottleneck(EXPANSION * narrow, narrow, 1) for _ in range(units - 1)))


class ResNet(ResNetBackbone):
    """An RGB image in, one logit per class out.

    Args:
        classes: Number of classes.
        units: Bottlenecks per stage.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int, *, units: Sequence[int] = UNITS) -> None:
        super().__init__(units)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(EXPANSION * NARROW[-1], classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of a normalised image (N, 3, H, W); the softmax belongs to the loss."""
        logits: torch.Tensor = self.fc(self.avgpool(self.extract_features(image)[-1]).flatten(1))
        return logits

    def export_input(self) -> ExportInput:
        """Return the input contract: RGB of any size, for the last map is averaged."""
        return ExportInput(channels="rgb", multiple=1, default_size=(512, 512))

    def stages(self) -> Sequence[ExportStage]:
        """Return the one stage."""
        return make_only_stage(self)
