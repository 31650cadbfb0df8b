"""Can ranges be measured on these frames? Answered before anything is traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError
from edgekit_runtime.pixels import check_levels, describe_type, widen

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class WideFrames(Sequence[Array]):
    """Frames in the type of the graph, each read when it is asked for.

    Attributes:
        frames: As a camera gives them.
        pixels: What they are.
    """

    frames: Sequence[Array]
    pixels: PixelFormat

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Array]: ...
    def __getitem__(self, index: int | slice) -> Array | Sequence[Array]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        return widen(np.asarray(self.frames[index]), self.pixels)


def check_calibration_frames(
    frames: Sequence[Array],
    shape: tuple[int, ...],
    pixels: PixelFormat = PixelFormat(),  # noqa: B008
) -> None:
    """Refuse frames that ranges cannot be measured on.

    Args:
        frames: What is to be run.
        shape: Of one frame: (H, W) or (H, W, 3).
        pixels: What they must be.

    Raises:
        DatasetError: If there is none, or each shows one value everywhere.
        FrameError: Naming the first that is not of the shape, type and depth.
    """
    if len(frames) == 0:
        raise DatasetError(
            "Calibration needs at least one image, and there is none.",
            remedy="Name images of the production line, some tens of them, with and without defects.",
        )
    varied = False
    for index in range(len(frames)):
        frame = np.asarray(frames[index])
        _check_form(index, frame, shape, pixels)
        varied = varied or bool((frame != frame[:1, :1]).any())
    if not varied:
        raise DatasetError(
            f"All {len(frames)} images for calibration are of one colour each: there is nothing to measure.",
            remedy="Name images that show the product: black, empty or saturated ones have no range.",
        )


def _check_form(index: int, frame: Array, shape: tuple[int, ...], pixels: PixelFormat) -> None:
    if frame.dtype == pixels.frame_type and frame.shape == shape:
        check_levels(frame, pixels, f"Image {index} for calibration")
        return
    height, width = shape[:2]
    raise FrameError(
        f"Image {index} for calibration must be {describe_type(pixels)} {shape}, got {frame.dtype} {frame.shape}.",
        remedy=f"Calibrate on images of {height}x{width} pixels with {'grey values' if len(shape) == 2 else 'colours'}"
        ", or export for the size of these (--size HxW).",
    )
