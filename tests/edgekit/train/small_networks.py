"""Classifiers so small that they learn within a second; tests enter them into the registry while they run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from edgekit.models import MODELS, ModelSpec

SMALL = ModelSpec(
    name="small-classifier",
    task="classify",
    channels=1,
    size=(32, 32),
    multiple=1,
    classes=("good", "bad"),
    paper="none: for tests",
    recipe="shufflenet",
    factory="tests.edgekit.train.small_networks:make_small",
    flops_rule="macs",
    arguments={"classes": 2},
    head=("3.",),
)

SMALL_EXITS = replace(
    SMALL,
    name="small-exits",
    factory="tests.edgekit.train.small_networks:SmallExits",
    recipe="dinet",
    head=("classifiers.1.linear.", "classifiers.2.linear.", "classifiers.3.linear."),
    exit_thresholds=(0.8, 0.7, 0.5),
    parts={
        "final": ("stem.", "body.", "end.", "classifiers.3."),
        "early": ("classifiers.1.", "classifiers.2."),
    },
)


def make_small(classes: int) -> nn.Module:
    """Return a convolution, its mean over the image, and a linear layer."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.BatchNorm2d(8), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, classes),
    )


class SmallExits(nn.Module):
    """Three exits; every part has a batch normalisation and a dropout, which both differ in training.

    The parts' names share no start with the modules that hold them (`classifiers`), as in dinet.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem, self.body, self.end = _halve(1, 8), _halve(8, 12), _halve(12, 16)
        self.classifiers = nn.ModuleDict(
            {str(number): _SmallHead(width, classes) for number, width in enumerate((8, 12, 16), 1)}
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = self.stem(image)
        second = self.body(first)
        maps = (first, second, self.end(second))
        return tuple(head(features) for head, features in zip(self.classifiers.values(), maps, strict=True))


class _SmallHead(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm, self.drop, self.linear = nn.BatchNorm2d(width), nn.Dropout(0.2), nn.Linear(width, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.linear(self.drop(self.norm(features).relu().mean(dim=(2, 3))))
        return logits


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Dropout2d(0.1),
    )


def register_small(monkeypatch: pytest.MonkeyPatch, spec: ModelSpec = SMALL) -> str:
    """Enter the classifier until the test ends and return its name."""
    monkeypatch.setitem(MODELS._specs, spec.name, spec)
    return spec.name
