"""ShuffleNet V2 0.5× for classification, the full-precision baseline of Bi-ShuffleNet.

Ma, Zhang, Zheng, Sun: "ShuffleNet V2: practical guidelines for efficient CNN architecture design", Table 5 and
Figure 3 (c, d). Parameter names are torchvision's, so that its published weights load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgekit.models.classifying import make_only_stage
from edgekit_export.exportable import ExportInput, ExportStage

STEM, STAGES, LAST = 24, (48, 96, 192), 1024
"""Channels after the stem, the three stages and the last convolution at 0.5×."""

REPEATS = (4, 8, 4)
"""Units per stage, the first of which halves the sides."""


def _pointwise(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def _depthwise(channels: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False)
    return convolution, nn.BatchNorm2d(channels)


def _interleave(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return left and right joined and shuffled in two groups: its channels are l0, r0, l1, r1 and so on."""
    return torch.stack((left, right), dim=2).flatten(1, 2)


class Unit(nn.Module):
    """Half of the channels pass, the other half are convolved; the shuffle mixes them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch2 = nn.Sequential(
            *_pointwise(half, half), *_depthwise(half, stride=1), *_pointwise(half, half)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return as many channels of the same size."""
        left, right = image.chunk(2, dim=1)
        return _interleave(left, self.branch2(right))


class DownUnit(nn.Module):
    """All channels go through both branches, each of which halves the sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.branch1 = nn.Sequential(*_depthwise(inputs, stride=2), *_pointwise(inputs, half))
        self.branch2 = nn.Sequential(
            *_pointwise(inputs, half), *_depthwise(half, stride=2), *_pointwise(half, half)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, outputs, ⌈H / 2⌉, ⌈W / 2⌉)."""
        return _interleave(self.branch1(image), self.branch2(image))


class ShuffleNet(nn.Module):
    """An RGB image in, one logit per class out; 1,366,792 parameters with 1000 classes.

    Args:
        classes: Number of classes.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int) -> None:
        super().__init__()
        stem = nn.Conv2d(3, STEM, 3, stride=2, padding=1, bias=False)
        self.conv1 = nn.Sequential(stem, nn.BatchNorm2d(STEM), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stage2 = _make_stage(STEM, STAGES[0], REPEATS[0])
        self.stage3 = _make_stage(STAGES[0], STAGES[1], REPEATS[1])
        self.stage4 = _make_stage(STAGES[1], STAGES[2], REPEATS[2])
        self.conv5 = nn.Sequential(*_pointwise(STAGES[2], LAST))
        self.fc = nn.Linear(LAST, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of a normalised image (N, 3, H, W); the softmax belongs to the loss."""
        features = self.maxpool(self.conv1(image))
        features = self.conv5(self.stage4(self.stage3(self.stage2(features))))
        logits: torch.Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits

    def export_input(self) -> ExportInput:
        """Return the input contract: RGB of any size, for the last map is averaged."""
        return ExportInput(channels="rgb", multiple=1, default_size=(224, 224))

    def stages(self) -> Sequence[ExportStage]:
        """Return the one stage."""
        return make_only_stage(self)


def _make_stage(inputs: int, outputs: int, repeats: int) -> nn.Sequential:
    return nn.Sequential(DownUnit(inputs, outputs), *(Unit(outputs) for _ in range(repeats - 1)))
