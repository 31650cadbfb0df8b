"""A network with two exits that needs no training, and backends that say what a test tells them at each exit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.checkpoints import save_checkpoint
from edgekit.models import MODELS, ModelSpec
from edgekit_export.exportable import ExportExit, ExportInput, ExportStage
from edgekit_runtime.testing import FakeBackend
from tests.edgekit.records import make_record

BRIGHTNESS = ModelSpec(
    name="brightness",
    task="classify",
    channels=1,
    size=(16, 16),
    multiple=4,
    classes=("dark", "bright"),
    paper="none: for tests",
    recipe="shufflenet",
    factory="tests.edgekit.evaluation.staged:make_brightness",
    flops_rule="macs",
    arguments={"classes": 2},
    normal_class="dark",
    exit_thresholds=(0.9, 0.6),
)
"""At 16×16: 1·64·4 + 1·2 MACs up to exit 1, and 1·16·4 + 1·2 more up to exit 2."""


class Head(nn.Module):
    """Mean brightness to two logits, ∓gain · mean."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[-gain], [gain]]))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.linear(features.mean(dim=(2, 3)))


class Stage(nn.Module):
    """Halve the image, then answer probabilities."""

    def __init__(self, body: nn.Module, head: nn.Module, *, last: bool) -> None:
        super().__init__()
        self.body, self.head, self.last = body, head, last

    def forward(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        features = self.body(image)
        answer = torch.softmax(self.head(features), dim=1)
        return answer if self.last else (features, answer)


class Brightness(nn.Module):
    """Dark or bright: the first exit is sure of what lies far from the middle, the second a little less far."""

    task: Literal["classify"] = "classify"

    def __init__(self) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(nn.Conv2d(1, 1, 2, stride=2, bias=False) for _ in range(2))
        self.heads = nn.ModuleList(Head(gain) for gain in (1.0, 2.0))
        for body in self.bodies:
            nn.init.constant_(body.weight, 0.25)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = self.bodies[0](image)
        return self.heads[0](first), self.heads[1](self.bodies[1](first))

    def export_input(self) -> ExportInput:
        return ExportInput("grey", multiple=4, default_size=(16, 16))

    def stages(self) -> Sequence[ExportStage]:
        first, second = zip(self.bodies, self.heads, strict=True)
        return (
            ExportStage(
                "exit1",
                Stage(*first, last=False),
                ("image",),
                ("features1", "p1"),
                ("features1",),
                ExportExit("p1", 0.9),
            ),
            ExportStage(
                "exit2", Stage(*second, last=True), ("features1",), ("p2",), (), ExportExit("p2", 0.6)
            ),
        )


def make_brightness(classes: int) -> nn.Module:
    assert classes == 2
    return Brightness()


def save_brightness(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a checkpoint of the network, which is in the registry until the test ends."""
    monkeypatch.setitem(MODELS._specs, BRIGHTNESS.name, BRIGHTNESS)
    record = make_record(BRIGHTNESS.name, classes=BRIGHTNESS.classes, normal_class=BRIGHTNESS.normal_class)
    save_checkpoint(folder, record, Brightness().state_dict())
    return folder


def answer_rows(probabilities: np.ndarray) -> partial[FakeBackend]:
    """Return a backend for `number_frames` that answers float32 (N, exits, classes) by the frame's number."""

    def answer(place: int, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        first = next(iter(inputs.values()))
        numbers = first.reshape(len(first), -1)[:, 0].astype(int)
        told = {f"p{place + 1}": probabilities[numbers, place]}
        if place + 1 < probabilities.shape[1]:
            told[f"features{place + 1}"] = numbers.reshape(-1, 1, 1)
        return told

    names = range(probabilities.shape[1])
    return partial(FakeBackend, answers={f"exit{place + 1}": partial(answer, place) for place in names})


def number_frames(count: int) -> np.ndarray:
    """Return frames uint8 (N, 4, 4) that carry their own number."""
    return np.repeat(np.arange(count, dtype=np.uint8), 16).reshape(count, 4, 4)
