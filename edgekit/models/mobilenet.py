"""MobileNetV3-Large 1.0 for classification, a baseline of DI-Net and the backbone of its Mobile-DI.

Howard et al.: "Searching for MobileNetV3", Table 1. Parameter names, initial weights, BatchNorm's constants and where
each activation stands are torchvision's, so that its published weights load and answer as they do there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from edgekit.models.classifying import make_only_stage
from edgekit_export.exportable import ExportInput, ExportStage


@dataclass(frozen=True)
class UnitPlan:
    """One row of Table 1.

    Attributes:
        kernel: Side of the depthwise convolution.
        inner: Channels inside, where that convolution works.
        outputs: Channels out.
        squeezed: Channels inside its squeeze-and-excitation, a quarter of `inner` as a multiple of 8; 0 for none.
        activation: What follows the first two convolutions.
        stride: Of the depthwise convolution.
    """

    kernel: int
    inner: int
    outputs: int
    squeezed: int
    activation: type[nn.Module]
    stride: int = 1


PLANS = (
    UnitPlan(3, 16, 16, 0, nn.ReLU),
    UnitPlan(3, 64, 24, 0, nn.ReLU, stride=2),
    UnitPlan(3, 72, 24, 0, nn.ReLU),
    UnitPlan(5, 72, 40, 24, nn.ReLU, stride=2),
    UnitPlan(5, 120, 40, 32, nn.ReLU),
    UnitPlan(5, 120, 40, 32, nn.ReLU),
    UnitPlan(3, 240, 80, 0, nn.Hardswish, stride=2),
    UnitPlan(3, 200, 80, 0, nn.Hardswish),
    UnitPlan(3, 184, 80, 0, nn.Hardswish),
    UnitPlan(3, 184, 80, 0, nn.Hardswish),
    UnitPlan(3, 480, 112, 120, nn.Hardswish),
    UnitPlan(3, 672, 112, 168, nn.Hardswish),
    UnitPlan(5, 672, 160, 168, nn.Hardswish, stride=2),
    UnitPlan(5, 960, 160, 240, nn.Hardswish),
    UnitPlan(5, 960, 160, 240, nn.Hardswish),
)

STEM = 16
"""Channels after the first convolution."""

LAST, HIDDEN = 960, 1280
"""Channels after the last convolution, and between the two linear layers."""

DROPOUT = 0.2


def _make_block(
    inputs: int,
    outputs: int,
    activation: type[nn.Module] | None,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution → BatchNorm → activation, where there is one."""
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01)]
    return nn.Sequential(*layers, *([] if activation is None else [activation()]))


class SqueezeExcitation(nn.Module):
    """Weights every channel by what the means of all channels say.

    Args:
        channels: In and out.
        squeezed: Between the two 1×1 convolutions.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.scale = nn.Hardsigmoid()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (N, channels, H, W), each channel times a number from 0 to 1."""
        weights: torch.Tensor = self.scale(self.fc2(self.relu(self.fc1(self.avgpool(features)))))
        return features * weights


class InvertedResidual(nn.Module):
    """1×1 that widens → depthwise → squeeze-and-excitation → 1×1 that narrows; added to its input if of one shape.

    Args:
        inputs: Channels in.
        plan: Row of the table. Where it does not widen, the first convolution is left out.
    """

    def __init__(self, inputs: int, plan: UnitPlan) -> None:
        super().__init__()
        inner = plan.inner
        layers: list[nn.Module] = []
        if inner != inputs:
            layers.append(_make_block(inputs, inner, plan.activation))
        depthwise = {"kernel": plan.kernel, "stride": plan.stride, "groups": inner}
        layers.append(_make_block(inner, inner, plan.activation, **depthwise))
        if plan.squeezed:
            layers.append(SqueezeExcitation(inner, plan.squeezed))
        layers.append(_make_block(inner, plan.outputs, None))
        self.block = nn.Sequential(*layers)
        self.adds = plan.stride == 1 and inputs == plan.outputs

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        result: torch.Tensor = self.block(image)
        return result + image if self.adds else result


class MobileNetBackbone(nn.Module):
    """Stem, fifteen units and the last convolution: 2,971,952 parameters, strides 2 to 32."""

    def __init__(self) -> None:
        super().__init__()
        channels = (STEM, *(plan.outputs for plan in PLANS))
        self.features = nn.Sequential(
            _make_block(3, STEM, nn.Hardswish, kernel=3, stride=2),
            *(InvertedResidual(before, plan) for before, plan in zip(channels, PLANS, strict=False)),
            _make_block(channels[-1], LAST, nn.Hardswish),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class MobileNet(MobileNetBackbone):
    """An RGB image in, one logit per class out; 5,483,032 parameters with 1000 classes.

    Args:
        classes: Number of classes.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(LAST, HIDDEN), nn.Hardswish(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, classes)
        )
        for module in self.classifier:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of a normalised image (N, 3, H, W); the softmax belongs to the loss."""
        logits: torch.Tensor = self.classifier(self.avgpool(self.features(image)).flatten(1))
        return logits

    def export_input(self) -> ExportInput:
        """Return the input contract: RGB of any size, for the last map is averaged."""
        return ExportInput(channels="rgb", multiple=1, default_size=(224, 224))

    def stages(self) -> Sequence[ExportStage]:
        """Return the one stage."""
        return make_only_stage(self)
