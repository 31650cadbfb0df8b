"""The input contract: which frames a bundle takes, down to what one pixel means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Channels = Literal["grey", "rgb", "bgr"]
GreyFormula = Literal["equal", "bt601", "bt709"]
Fit = Literal["refuse", "pad", "tile"]
FrameType = Literal["uint8", "int32"]

BATCH = "N"
"""The symbol that stands for the batch in a tensor's shape."""

MAX_BITS = 16
"""Deepest pixels of a contract."""


@dataclass(frozen=True)
class TensorInfo:
    """A graph input or output; shape entries are sizes or "N" for the batch."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class PixelFormat:
    """What a pixel of a frame is. Stated by a person once, at training, and never guessed from an image."""

    channels: Channels = "grey"
    """Order of the channels in which frames come."""
    grey: GreyFormula = "equal"
    """How a colour frame, which is then RGB, becomes grey where `channels` is "grey": by the luma of ITU-R BT.601 or
    BT.709; "equal" takes it only where its three channels are equal."""
    bits: int = 8
    """Grey levels are 0 to 2^bits − 1. Up to 8 bits frames are uint8, above uint16."""
    scale: float = 255.0
    """The grey value that the network sees as 1.0."""

    @property
    def levels(self) -> int:
        """Number of grey levels."""
        return 1 << self.bits

    @property
    def graph_type(self) -> FrameType:
        """Type of frames at the graph: deeper ones are widened, because TensorRT has no uint16."""
        return "uint8" if self.bits <= 8 else "int32"

    @property
    def frame_type(self) -> Literal["uint8", "uint16"]:
        """Type of frames as a camera gives them."""
        return "uint8" if self.bits <= 8 else "uint16"


@dataclass(frozen=True)
class InputContract:
    """Which frames the bundle accepts."""

    name: str
    pixels: PixelFormat
    height: int
    width: int
    multiple: int
    """Sides must be multiples of this for the network, which is its stride too."""
    fit: Fit
    """What happens to a frame of another size: "pad" takes smaller ones, padded below and to the right; "tile" takes
    any, cut into tiles of height × width."""
    overlap: int
    """Pixels that neighbouring tiles share, a multiple of `multiple`; 0 unless `fit` is "tile"."""
    reach: int | None
    """How far from a pixel the network looks at most, in pixels; None where that is the whole frame, or unknown."""
    batch: int | None
    """Frames per run of the graph; None where it is dynamic."""
    mm_per_pixel: float | None

    @property
    def rows(self) -> int | str:
        """First size of every tensor that has a row per frame: the fixed batch, else "N"."""
        return BATCH if self.batch is None else self.batch

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame of the graph: (H, W) for grey, (H, W, 3) for colour."""
        size = (self.height, self.width)
        return size if self.pixels.channels == "grey" else (*size, 3)

    @property
    def graph_input(self) -> TensorInfo:
        """What the first stage takes: a batch of frames."""
        return TensorInfo(self.name, self.pixels.graph_type, (self.rows, *self.frame_shape))

    @property
    def mask_shape(self) -> tuple[int | str, ...]:
        """Shape of a batch of masks: (batch, H, W)."""
        return (self.rows, self.height, self.width)
