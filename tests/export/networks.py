"""Networks that only these tests define: export must not know the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from edgekit_export.exportable import ExportExit, ExportInput, ExportStage


def block(convolution: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(0.2))


class Segmenter(nn.Module):
    """Conv, BatchNorm, LeakyReLU, grouped ConvTranspose and a skip connection; one defect class."""

    task: Literal["segment"] = "segment"

    def __init__(self) -> None:
        super().__init__()
        self.first = block(nn.Conv2d(1, 4, 3, padding=1))
        self.down = block(nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4))
        self.up = block(nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1, groups=2))
        self.last = nn.Conv2d(8, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        skip = self.first(image)
        return self.last(torch.cat([skip, self.up(self.down(skip))], dim=1))

    def export_input(self) -> ExportInput:
        return ExportInput("grey", multiple=2, default_size=(32, 48))

    def stages(self) -> Sequence[ExportStage]:
        return (ExportStage("main", self, ("image",), ("logits",)),)


class ClassSegmenter(nn.Module):
    """Colour in, three classes out; unpadded first convolution, no BatchNorm."""

    task: Literal["segment"] = "segment"

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 1)
        self.second = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.second(F.relu(self.first(image)))

    def export_input(self) -> ExportInput:
        return ExportInput("rgb", multiple=1, default_size=(32, 48))

    def stages(self) -> Sequence[ExportStage]:
        return (ExportStage("main", self, ("picture",), ("logits",)),)


class Head(nn.Module):
    """Global average, linear, softmax."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        pooled = F.adaptive_avg_pool2d(features, 1).flatten(1)
        return F.softmax(self.linear(pooled), dim=1)


class FirstStage(nn.Module):
    """A wrapper that `stages()` builds anew at each call, in training mode."""

    def __init__(self, owner: Classifier) -> None:
        super().__init__()
        self.trunk, self.head = owner.trunk1, owner.head1

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.trunk(image)
        return features, self.head(features)


class SecondStage(nn.Module):
    def __init__(self, owner: Classifier) -> None:
        super().__init__()
        self.trunk, self.head = owner.trunk2, owner.head2

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(features))


class Classifier(nn.Module):
    """Two stages with an exit each; the first carries its feature map to the second."""

    task: Literal["classify"] = "classify"

    def __init__(self) -> None:
        super().__init__()
        self.trunk1 = block(nn.Conv2d(1, 4, 3, stride=2, padding=1))
        self.head1 = Head(4)
        self.trunk2 = block(nn.Conv2d(4, 8, 3, stride=2, padding=1))
        self.head2 = Head(8)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head2(self.trunk2(self.trunk1(image)))

    def export_input(self) -> ExportInput:
        return ExportInput("grey", multiple=4, default_size=(32, 48))

    def stages(self) -> Sequence[ExportStage]:
        first = ExportStage(
            "exit1",
            FirstStage(self),
            ("image",),
            ("features", "p1"),
            carries=("features",),
            exit=ExportExit("p1", 0.6),
        )
        second = ExportStage("exit2", SecondStage(self), ("features",), ("p2",), exit=ExportExit("p2", 0.5))
        return (first, second)


def settle(network: nn.Module, channels: int, seed: int = 0) -> nn.Module:
    """Give a network reproducible weights and BatchNorm statistics that are not 0 and 1, as training does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.empty_like(parameter).uniform_(-0.6, 0.6, generator=generator))
        network.train()
        for _ in range(20):
            network(torch.randn(4, channels, 32, 48, generator=generator))
    return network
