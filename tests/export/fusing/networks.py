"""Networks of many shapes that only these tests define: some have a program, each of the others one thing too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from edgekit_export.exportable import ExportInput, ExportStage


class SmallU(nn.Module):
    """One grey image in, one map of logits out.

    Args:
        width: Channels of every feature map.
        stem_stride: 1 or 2.
        activation: Made anew after each convolution but the last.
        joined: Whether decoders take the encoder's maps too.
        norm: Whether BatchNorm follows each convolution but the last.
        bias: Of every convolution.
    """

    task: Literal["segment"] = "segment"

    def __init__(
        self,
        width: int = 2,
        *,
        stem_stride: int = 1,
        activation: Callable[[], nn.Module] = nn.Identity,
        joined: bool = True,
        norm: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        more = 2 if joined else 1

        def block(convolution: nn.Module) -> nn.Sequential:
            parts = [nn.BatchNorm2d(width)] if norm else []
            return nn.Sequential(convolution, *parts, activation())

        def depthwise(stride: int) -> nn.Conv2d:
            return nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=width, bias=bias)

        def up(channels: int) -> nn.ConvTranspose2d:
            return nn.ConvTranspose2d(
                channels, width, 3, stride=2, padding=1, output_padding=1, groups=width, bias=bias
            )

        self.stem = block(nn.Conv2d(1, width, 3, stride=stem_stride, padding=1, bias=bias))
        self.down1 = block(depthwise(2))
        self.same = block(depthwise(1))
        self.down2 = block(depthwise(2))
        self.up2 = block(up(width))
        self.up1 = block(up(more * width))
        self.up0 = block(up(more * width)) if stem_stride == 2 else None
        self.head = nn.Conv2d(width if self.up0 else more * width, 1, 1, bias=bias)
        self.joined = joined

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        half = self.same(self.down1(stem))
        deep = self.up2(self.down2(half))
        deep = self.up1(torch.cat([half, deep], dim=1) if self.joined else deep)
        deep = torch.cat([stem, deep], dim=1) if self.joined else deep
        return self.head(deep if self.up0 is None else self.up0(deep))

    def export_input(self) -> ExportInput:
        return ExportInput("grey", multiple=8, default_size=(32, 48))

    def stages(self) -> Sequence[ExportStage]:
        return (ExportStage("main", self, ("image",), ("logits",)),)


WITH_PROGRAM: dict[str, Callable[[], SmallU]] = {
    "leaky": lambda: SmallU(2, activation=lambda: nn.LeakyReLU(0.3)),
    "relu, three channels": lambda: SmallU(3, activation=nn.ReLU),
    "no activation, one channel": lambda: SmallU(1),
    "half of the size at once, five channels": lambda: SmallU(5, stem_stride=2, activation=nn.ReLU),
    "no skip": lambda: SmallU(3, joined=False, activation=nn.LeakyReLU),
    "no skip, half of the size at once": lambda: SmallU(2, joined=False, stem_stride=2),
    "no norm, no bias": lambda: SmallU(4, norm=False, bias=False, activation=nn.LeakyReLU),
}


class Plain(SmallU):
    """A stem, one further step and the head: the step is what a subclass changes."""

    def __init__(self) -> None:
        super().__init__()
        self.step = self.make_step()

    def make_step(self) -> nn.Module:
        return nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        return self.head(torch.cat([stem, self.step(stem)], dim=1))


def plain(step: Callable[[], nn.Module]) -> Callable[[], Plain]:
    """Return what makes a network with that step."""
    return type("PlainWith", (Plain,), {"make_step": lambda self: step()})


class ImageJoined(Plain):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(torch.cat([image, self.stem(image)[:, :1], image, image], dim=1))


class Residual(Plain):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        return self.head(torch.cat([stem, stem + self.same(stem)], dim=1))


class ImageAdded(Plain):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return super().forward(image) + image


class LargeHead(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(4, 1, 3, padding=1)


class Sigmoid(Plain):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(super().forward(image))


class TwoLogits(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(4, 2, 1)


class SharedActivation(Plain):
    """A convolution whose result is taken before and after its activation."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        return self.head(torch.cat([stem, F.relu(stem)], dim=1))


class ThreeJoined(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(6, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        return self.head(torch.cat([stem, self.same(stem), stem], dim=1))


class DownAgain(Plain):
    """A second descent, from what a first one gave: every operation has its form, and the backend plans one descent."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.ModuleList([_depthwise(stride=2)() for _ in range(4)])
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1, groups=2) for _ in range(4)]
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = self.stem(image)
        first = self.up[1](self.up[0](self.again[1](self.again[0](stem))))
        second = self.up[3](self.up[2](self.again[3](self.again[2](first))))
        return self.head(torch.cat([stem, second], dim=1))


def _depthwise(**more: object) -> Callable[[], nn.Module]:
    settings: dict[str, object] = {"kernel_size": 3, "padding": 1, "groups": 2, **more}
    return lambda: nn.Conv2d(2, 2, **settings)


def _down_and_up(**more: object) -> Callable[[], nn.Module]:
    settings: dict[str, object] = {
        "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2, **more,
    }  # fmt: skip
    return lambda: nn.Sequential(
        nn.Conv2d(2, 2, 3, stride=2, padding=1, groups=2), nn.ConvTranspose2d(2, 2, **settings)
    )


WITHOUT_PROGRAM: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "5×5": (
        plain(_depthwise(kernel_size=5, padding=2)),
        r"a convolution of 5×5 before the end \(step\.Conv\)",
    ),
    "3×5": (plain(_depthwise(kernel_size=(3, 5), padding=(1, 2))), "a convolution of 3×5"),
    "1×1": (plain(_depthwise(kernel_size=1, padding=0)), "a convolution of 1×1 before the end"),
    "dilation": (plain(_depthwise(dilation=2, padding=2)), "a convolution with dilation"),
    "standard": (plain(_depthwise(groups=1)), "a convolution that takes 2 channels for each one"),
    "stride of rows": (
        plain(
            lambda: nn.Sequential(
                nn.Conv2d(2, 2, 3, stride=(2, 1), padding=1, groups=2),
                nn.ConvTranspose2d(2, 2, 3, stride=(2, 1), padding=1, output_padding=(1, 0), groups=2),
            )
        ),
        "a convolution with the strides 2 and 1",
    ),
    "wide padding": (
        plain(lambda: nn.Sequential(_depthwise(padding=2)(), _depthwise(padding=0)())),
        "a convolution with a padding other than 1",
    ),
    "unequal padding": (
        plain(lambda: nn.Sequential(nn.ZeroPad2d((2, 0, 2, 0)), nn.Conv2d(2, 2, 3, groups=2))),
        "the operator Pad",
    ),
    "4×4 transposed": (
        plain(_down_and_up(kernel_size=4, output_padding=0)),
        "a transposed convolution of 4×4",
    ),
    "standard transposed": (plain(_down_and_up(groups=1)), "of 2 channels in 1 groups that gives 2"),
    "pooling": (plain(lambda: nn.MaxPool2d(3, 1, 1)), "the operator MaxPool"),
    "other activation": (
        plain(lambda: nn.Sequential(_depthwise()(), nn.Hardswish())),
        "the operator HardSwish",
    ),
    "steep slope": (plain(lambda: nn.Sequential(_depthwise()(), nn.LeakyReLU(1.5))), "negative_slope 1.5"),
    "sum": (Residual, "the operator Add"),
    "image at the end": (ImageAdded, "the operator Mul"),
    "image joined": (ImageJoined, "the operator (Mul|Slice)"),
    "large head": (LargeHead, "that gives the logits: a 1×1 one must"),
    "sigmoid": (Sigmoid, "the operator Sigmoid"),
    "two maps of logits": (TwoLogits, "a mask that is not one logit per pixel"),
    "activation on its own": (SharedActivation, "a Relu of what others take without it"),
    "three joined": (ThreeJoined, "a concatenation other than of two"),
}
"""What makes the network, and the reason that is given."""

QUICK = ("5×5", "standard", "sum")
"""Tracing takes seconds: the others run with the slow tests."""
