"""What the classifying networks share: how logits become the bundle's probabilities."""

from __future__ import annotations

import torch
from torch import nn

from edgekit_export.exportable import ExportExit, ExportStage

PROBABILITIES = "probabilities"


class Probabilities(nn.Module):
    """A classifier that answers probabilities: softmax belongs to the bundle, and to the loss while training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, classes) of a normalised image (N, C, H, W)."""
        return torch.softmax(self.network(image), dim=1)


def make_only_stage(network: nn.Module) -> tuple[ExportStage, ...]:
    """Return the one stage of a network whose forward gives logits (N, classes); it always answers."""
    return (
        ExportStage(
            "main",
            Probabilities(network),
            inputs=("image",),
            outputs=(PROBABILITIES,),
            exit=ExportExit(PROBABILITIES, threshold=0.0),
        ),
    )
