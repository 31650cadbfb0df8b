"""What networks with early exits share: the classifier of an exit, and how exits become stages.

Zhao, Zhong, Xu, Wang, Zhang: "Dynamic inference network for online fabric defect detection", J. Intell. Manuf. 36(4),
2025, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from edgekit.models.catalogue import EXIT_THRESHOLDS
from edgekit_export.exportable import ExportExit, ExportStage


class Classifier(nn.Module):
    """Two 1×1 convolutions with ReLU that halve the channels once, global average pooling, and a linear layer.

    The paper draws the convolutions without saying what is between them; ReLU is our choice.

    Args:
        channels: Of the feature map.
        classes: Number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        half = channels // 2
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, half, 1), nn.ReLU(), nn.Conv2d(half, half, 1), nn.ReLU()
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(half, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of a feature map (N, channels, H, W)."""
        logits: torch.Tensor = self.linear(self.pool(self.convolutions(features)).flatten(1))
        return logits


class ExitStage(nn.Module):
    """A part of a backbone with the exit at its end: features in, (features, probabilities) out.

    Args:
        body: What turns the image, or the features of the stage before, into this stage's own.
        classifier: Of the exit.
        aggregation: Called as aggregation(own features, those before); its answer is what is classified. None
            classifies the stage's own features.
        last: Whether no stage follows, so that only probabilities are given.
    """

    def __init__(
        self, body: nn.Module, classifier: nn.Module, *, aggregation: nn.Module | None = None, last: bool
    ) -> None:
        super().__init__()
        self.body = body
        self.classifier = classifier
        self.aggregation = aggregation
        self.last = last

    def forward(self, before: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Return (features, probabilities (N, classes)), or the probabilities alone where no stage follows."""
        features = self.body(before)
        seen = features if self.aggregation is None else self.aggregation(features, before)
        probabilities = torch.softmax(self.classifier(seen), dim=1)
        return probabilities if self.last else (features, probabilities)


def make_exit_stages(
    bodies: Sequence[nn.Module],
    classifiers: Sequence[nn.Module],
    aggregations: Sequence[nn.Module | None],
    *,
    thresholds: Sequence[float] = EXIT_THRESHOLDS,
) -> tuple[ExportStage, ...]:
    """Return one stage per exit, named exit1, exit2 and so on.

    Stage i takes the features of the stage before (the first one the image), carries its own on as `features<i>`, and
    answers as `p<i>`; all arguments have one entry per exit. The thresholds are DI-Net's where none are given.
    """
    stages = []
    parts = zip(bodies, classifiers, aggregations, thresholds, strict=True)
    for number, (body, classifier, aggregation, threshold) in enumerate(parts, 1):
        last = number == len(bodies)
        carried = () if last else (f"features{number}",)
        stages.append(
            ExportStage(
                f"exit{number}",
                ExitStage(body, classifier, aggregation=aggregation, last=last),
                inputs=("image",) if number == 1 else (f"features{number - 1}",),
                outputs=(*carried, f"p{number}"),
                carries=carried,
                exit=ExportExit(f"p{number}", threshold),
            )
        )
    return tuple(stages)
