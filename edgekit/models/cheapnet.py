"""CheapNet: an ultra-light encoder-decoder for segmentation of defects.

Wang, Yu, Qiu, Xiao, Yin: "CheapNet: Ultra-Lightweight Real-time Network for Semantic Segmentation and Defect
Detection", Tables 1 to 3. Parameters: 137·G + 3 (depthwise), 99·G² + 38·G + 3 (standard).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgekit_export.exportable import ExportInput, ExportStage

NEGATIVE_SLOPE = 0.2
"""Slope of every LeakyReLU; the paper is silent, the authors' code has 0.2."""

STRIDE = 16
"""Four halvings: height and width must be multiples of this."""


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    """Convolution → BatchNorm → LeakyReLU; index .0 and .1 are the authors' checkpoint keys."""
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(NEGATIVE_SLOPE))


class CheapNet(nn.Module):
    """One grey image in, one map of logits out.

    The attribute names are those of the authors' checkpoints. With grouped decoders and concatenation in the order
    [encoder, decoder], the first half of a block's output channels sees the skip connection only and the second
    half the decoder path only: the paper's numbers depend on it, so it is kept.

    Args:
        width: G, the number of channels of every feature map.
        depthwise: Group every 3×3 convolution by channel; False gives the paper's standard convolutions.
    """

    task: Literal["segment"] = "segment"

    def __init__(self, width: int, *, depthwise: bool = True) -> None:
        super().__init__()
        groups = width if depthwise else 1

        def down() -> nn.Sequential:
            return _block(nn.Conv2d(width, width, 3, stride=2, padding=1, groups=groups))

        def up(channels: int) -> nn.Sequential:
            return _block(
                nn.ConvTranspose2d(channels, width, 3, stride=2, padding=1, output_padding=1, groups=groups)
            )

        # The paper's text says stride 2 for every encoding block; its Table 1 and the counts say stride 1 here.
        self.encoder1 = _block(nn.Conv2d(1, width, 3, stride=1, padding=1))
        self.encoder2 = down()
        self.encoder3 = down()
        self.encoder4 = down()
        self.bottleneck = down()
        self.decoder1 = up(width)
        self.decoder2 = up(2 * width)
        self.decoder3 = up(2 * width)
        self.decoder4 = up(2 * width)
        self.output = _block(nn.Conv2d(2 * width, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 1, H, W) of a normalised image (N, 1, H, W); the sigmoid belongs to the loss."""
        skip1 = self.encoder1(image)
        skip2 = self.encoder2(skip1)
        skip3 = self.encoder3(skip2)
        skip4 = self.encoder4(skip3)
        deep = self.decoder1(self.bottleneck(skip4))
        deep = self.decoder2(torch.cat([skip4, deep], dim=1))
        deep = self.decoder3(torch.cat([skip3, deep], dim=1))
        deep = self.decoder4(torch.cat([skip2, deep], dim=1))
        logits: torch.Tensor = self.output(torch.cat([skip1, deep], dim=1))
        return logits

    def export_input(self) -> ExportInput:
        """Return the input contract: grey, sides that are multiples of 16."""
        return ExportInput(channels="grey", multiple=STRIDE, default_size=(512, 512))

    def stages(self) -> Sequence[ExportStage]:
        """Return the one stage."""
        return (ExportStage("main", self, inputs=("image",), outputs=("logits",)),)
