"""Mobile-DI: MobileNetV3-Large with DI-Net's exits after strides 4, 8, 16 and 32.

Zhao, Zhong, Xu, Wang, Zhang: "Dynamic inference network for online fabric defect detection", J. Intell. Manuf. 36(4),
2025, compares it without saying where its exits are. They stand here after the last unit of each stride, and their
classifiers are DI-Net's on the maps themselves: the paper aggregates those of ResNet alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgekit.models.exits import Classifier, make_exit_stages
from edgekit.models.mobilenet import LAST, PLANS, MobileNetBackbone
from edgekit_export.exportable import ExportInput, ExportStage

ENDS = (3, 6, 12, 16)
"""Index in `features` of the last layer of each stage. The fourth is the last convolution, not the unit before it: its
960 channels are what the plain network classifies, and the last exit, which must answer, shall be no worse. The 160
channels before it would save 40 MMAC of 252 at 224², for the few rows that get there."""

CHANNELS = (*(PLANS[end - 1].outputs for end in ENDS[:-1]), LAST)
"""Of the feature maps: 24, 40, 112, 960."""


class MobileDI(MobileNetBackbone):
    """An RGB image in, logits of every exit out.

    Parameter names of the backbone are torchvision's, so that published weights of MobileNetV3-Large load.

    Args:
        classes: Number of classes.
    """

    task: Literal["classify"] = "classify"

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classifiers = nn.ModuleDict(
            {str(number): Classifier(channels, classes) for number, channels in enumerate(CHANNELS, 1)}
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits (N, classes) of exits 1 to 4 of a normalised image (N, 3, H, W)."""
        features, answers = image, []
        for body, classifier in zip(self._bodies(), self.classifiers.values(), strict=True):
            features = body(features)
            answers.append(classifier(features))
        return tuple(answers)

    def export_input(self) -> ExportInput:
        """Return the input contract: RGB of any size, for the maps are averaged."""
        return ExportInput(channels="rgb", multiple=1, default_size=(224, 224))

    def stages(self) -> Sequence[ExportStage]:
        """Return four stages, each of which ends in an exit."""
        bodies = self._bodies()
        return make_exit_stages(bodies, tuple(self.classifiers.values()), [None] * len(bodies))

    def _bodies(self) -> tuple[nn.Module, ...]:
        starts = (0, *(end + 1 for end in ENDS[:-1]))
        return tuple(self.features[start : end + 1] for start, end in zip(starts, ENDS, strict=True))
