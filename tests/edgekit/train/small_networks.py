"""A classifier so small that it learns within a second; tests enter it into the registry while they run."""

from __future__ import annotations

import pytest
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
    head="3.",
)


def make_small(classes: int) -> nn.Module:
    """Return a convolution, its mean over the image, and a linear layer."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.BatchNorm2d(8), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, classes),
    )


def register_small(monkeypatch: pytest.MonkeyPatch) -> str:
    """Enter the classifier until the test ends and return its name."""
    monkeypatch.setitem(MODELS._specs, SMALL.name, SMALL)
    return SMALL.name
