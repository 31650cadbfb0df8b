"""U-Nets for segmentation: `unet`, the baseline of LOS-UNet, and `unet-32`, of half the usual widths.

One class holds what they share: five levels, max pooling down, a skip connection per level, a 1×1 convolution at the
end. Which block stands at each of the nine positions, and how maps grow again, are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import nn

from edgekit.models.los_blocks import make_block_d
from edgekit_export.exportable import ExportInput, ExportStage
from edgekit_runtime.errors import UsageProblem

MakeBlock = Callable[[int, int], nn.Module]
"""(channels in, channels out) → a block that keeps height and width."""

Growth = Literal["bilinear", "transposed"]

LOS_WIDTHS = (64, 128, 256, 512, 1024)
HALF_WIDTHS = (32, 64, 128, 256, 512)

STRIDE = 16
"""Four halvings: height and width must be multiples of this."""


class UNet(nn.Module):
    """An image in, one map of logits out.

    Args:
        channels: Of the image: 1 is grey, 3 is RGB.
        widths: Channels of the encoder's five levels, finest first.
        blocks: What makes the block at each position: E1 … E5, then D1 … D4, coarsest first.
        growth: How the decoder doubles a map. "bilinear" has no parameters and keeps every channel. "transposed"
            is a 2×2 transposed convolution of stride 2 that leaves as many channels as the skip connection has.
        default_size: (height, width) that an export takes where none is named.

    Raises:
        UsageProblem: If there is not one block per position.
    """

    task: Literal["segment"] = "segment"

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int, int, int, int],
        blocks: Sequence[MakeBlock],
        *,
        growth: Growth,
        default_size: tuple[int, int],
    ) -> None:
        super().__init__()
        positions = 2 * len(widths) - 1
        if len(blocks) != positions:
            raise UsageProblem(f"A U-Net has {positions} blocks, E1 to E5 and D1 to D4; got {len(blocks)}.")
        self.channels = channels
        self.default_size = default_size
        entries, finer = (channels, *widths[:-1]), widths[-2::-1]
        self.encoders = nn.ModuleList(
            make(before, after) for make, before, after in zip(blocks, entries, widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.growths, self.decoders = nn.ModuleList(), nn.ModuleList()
        deep = widths[-1]
        for make, skip in zip(blocks[len(widths) :], finer, strict=True):
            self.growths.append(_make_growth(growth, deep, skip))
            self.decoders.append(make(skip + (deep if growth == "bilinear" else skip), skip))
            deep = skip
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 1, H, W) of a normalised image (N, C, H, W); the sigmoid belongs to the loss."""
        skips: list[torch.Tensor] = []
        deep = self.encoders[0](image)
        for encoder in self.encoders[1:]:
            skips.append(deep)
            deep = encoder(self.pool(deep))
        for grow, decoder, skip in zip(self.growths, self.decoders, reversed(skips), strict=True):
            deep = decoder(torch.cat([skip, grow(deep)], dim=1))
        logits: torch.Tensor = self.head(deep)
        return logits

    def export_input(self) -> ExportInput:
        """Return the input contract: grey or RGB, sides that are multiples of 16."""
        return ExportInput(
            channels="grey" if self.channels == 1 else "rgb", multiple=STRIDE, default_size=self.default_size
        )

    def stages(self) -> Sequence[ExportStage]:
        """Return the one stage."""
        return (ExportStage("main", self, inputs=("image",), outputs=("logits",)),)


def _make_growth(growth: Growth, deep: int, skip: int) -> nn.Module:
    if growth == "transposed":
        return nn.ConvTranspose2d(deep, skip, 2, stride=2)
    # Without aligned corners every pixel is 3/4 and 1/4 of its neighbours at any size of the image, so that what
    # was learned on tiles holds on whole frames; with them the weights would follow the size.
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


def make_block_relu(inputs: int, outputs: int) -> nn.Sequential:
    """Return the usual U-Net block: twice 3×3 → BatchNorm → ReLU."""
    return nn.Sequential(*make_block_d(inputs, outputs), nn.ReLU())


def make_los_unet(
    channels: int = 3, widths: tuple[int, int, int, int, int] = LOS_WIDTHS, size: tuple[int, int] = (96, 96)
) -> UNet:
    """Return LOS-UNet's baseline: block D at all nine positions, bilinear growth without channel reduction.

    31,390,721 parameters and 7.8305 GMAC at 3×96², as the paper's table prints them.
    """
    return UNet(channels, widths, [make_block_d] * 9, growth="bilinear", default_size=size)


def make_half_unet(
    channels: int = 1,
    widths: tuple[int, int, int, int, int] = HALF_WIDTHS,
    size: tuple[int, int] = (512, 512),
) -> UNet:
    """Return the U-Net of U-BiNet's layout in full precision, with ReLU: the baseline of binary networks.

    7,765,409 parameters: U-BiNet's 7,755,776 weights that become 1-bit, 288 of the first and 33 of the last
    convolution, 5,888 of BatchNorm, and 3,424 biases of the other convolutions. U-BiNet itself has no such biases but
    two parameters per channel in each RSiLU, 7,767,873 in all. Both print as 7.77 M; ReLU and biases are chosen because
    this network is what binary ones are compared with, not one of them.
    """
    return UNet(channels, widths, [make_block_relu] * 9, growth="transposed", default_size=size)
