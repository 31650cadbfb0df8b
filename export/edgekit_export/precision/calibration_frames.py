"""Can ranges be measured on these frames? Answered before anything is traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import DatasetError, FrameError

Array = npt.NDArray[Any]


def check_calibration_frames(frames: Sequence[Array], shape: tuple[int, ...]) -> None:
    """Refuse frames that ranges cannot be measured on.

    Args:
        frames: What is to be run.
        shape: Of one frame: (H, W) or (H, W, 3).

    Raises:
        DatasetError: If there is none, or each shows one value everywhere.
        FrameError: Naming the first that is not uint8 of the shape.
    """
    if len(frames) == 0:
        raise DatasetError(
            "Calibration needs at least one image, and there is none.",
            remedy="Name images of the production line, some tens of them, with and without defects.",
        )
    varied = False
    for index in range(len(frames)):
        frame = np.asarray(frames[index])
        _check_form(index, frame, shape)
        varied = varied or bool((frame != frame[:1, :1]).any())
    if not varied:
        raise DatasetError(
            f"All {len(frames)} images for calibration are of one colour each: there is nothing to measure.",
            remedy="Name images that show the product: black, empty or saturated ones have no range.",
        )


def _check_form(index: int, frame: Array, shape: tuple[int, ...]) -> None:
    if frame.dtype == np.uint8 and frame.shape == shape:
        return
    height, width = shape[:2]
    raise FrameError(
        f"Image {index} for calibration must be uint8 {shape}, got {frame.dtype} {frame.shape}.",
        remedy=f"Calibrate on images of {height}x{width} pixels with {'grey values' if len(shape) == 2 else 'colours'}"
        ", or export for the size of these (--size HxW).",
    )
