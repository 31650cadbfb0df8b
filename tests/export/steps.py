"""A network of four small stages, some of which have an exit, as a bundle that ONNX Runtime runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from edgekit_export import Normalisation, PrecisionRequest, export_bundle
from edgekit_export.exportable import ExportExit, ExportInput, ExportStage
from edgekit_runtime.bundle import Bundle
from tests.export.building import PROVENANCE, model_info

SIZE = (16, 64)
"""No web of cloth is narrower."""
STAGES = (1, 2, 3, 4)


class Stretch(nn.Module):
    """Divides by the sum of what is seen: a black image has no probabilities."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 3, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        pooled = features.mean(dim=(2, 3))
        return torch.softmax(4 * self.linear(pooled / pooled.sum(dim=1, keepdim=True)), dim=1)


class Step(nn.Module):
    """A stage: features on, with probabilities beside them, or one of both alone."""

    def __init__(self, owner: Steps, number: int) -> None:
        super().__init__()
        self.body, self.last = owner.bodies[number - 1], number == STAGES[-1]
        self.head = dict(owner.heads.items()).get(str(number))

    def forward(self, before: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        features = torch.relu(self.body(before))
        if self.head is None:
            return features
        return self.head(features) if self.last else (features, self.head(features))


class Steps(nn.Module):
    """Four stages; inside, all use the same names.

    Args:
        exits: 1-based numbers of the stages that have an exit; the last one must.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, exits: Sequence[int]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bodies = nn.ModuleList(
            nn.Conv2d(3 if number == 1 else 4, 4, 3, padding=1, bias=False) for number in STAGES
        )
        self.heads = nn.ModuleDict({str(number): Stretch(4) for number in exits})

    def export_input(self) -> ExportInput:
        return ExportInput("rgb", default_size=SIZE)

    def stages(self) -> Sequence[ExportStage]:
        stages = []
        for number in STAGES:
            carried = () if number == STAGES[-1] else (f"features{number}",)
            answers = (f"p{number}",) if str(number) in self.heads else ()
            leave = ExportExit(answers[0], 0.5) if answers else None
            inputs = ("image",) if number == 1 else (f"features{number - 1}",)
            stages.append(
                ExportStage(f"step{number}", Step(self, number), inputs, carried + answers, carried, leave)
            )
        return stages


def make_noise(count: int) -> np.ndarray:
    """Return frames for the network."""
    return np.random.default_rng(4).integers(0, 256, (count, *SIZE, 3), np.uint8)


def export_steps(
    path: Path, exits: Sequence[int] = STAGES, *, precision: Literal["fp32", "fp16"] = "fp32"
) -> Bundle:
    """Export the network with random weights."""
    export_bundle(
        Steps(exits),
        out=path,
        name="steps",
        model_info=model_info("classify", 3),
        normalisation=Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        samples=list(make_noise(2)),
        provenance=PROVENANCE,
        precision=PrecisionRequest(precision),
    )
    return Bundle.open(path)
