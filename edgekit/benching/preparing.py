"""From frames to what a plainly exported network takes, in the ways in which its users do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from edgekit_benchmarks.contestants import Frames
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.contract import PixelFormat

Images = npt.NDArray[np.float32]
"""float32 (N, C, H, W), normalised."""

Prepare = Callable[[Frames], Images]


def prepare_plainly(normalisation: Normalisation) -> Prepare:
    """Return (frame / scale − mean) / std as it is written down."""
    mean, std = (np.array(numbers, np.float32) for numbers in (normalisation.mean, normalisation.std))
    scale = np.float32(normalisation.scale)

    def prepare(frames: Frames) -> Images:
        return _put_channels_first((_add_channels(frames).astype(np.float32) / scale - mean) / std)

    return prepare


def prepare_in_place(normalisation: Normalisation) -> Prepare:
    """Return frame · a − b without intermediate arrays."""
    mean, std = (np.array(numbers, np.float64) for numbers in (normalisation.mean, normalisation.std))
    factor = (1 / (normalisation.scale * std)).astype(np.float32)
    shift = (mean / std).astype(np.float32)

    def prepare(frames: Frames) -> Images:
        images = _add_channels(frames).astype(np.float32)
        images *= factor
        images -= shift
        return _put_channels_first(images)

    return prepare


def prepare_by_table(normalisation: Normalisation) -> Prepare:
    """Return a look-up of all 256 grey values of 8 bits, by OpenCV: no arithmetic at all."""
    mean, std = (np.array(numbers, np.float32) for numbers in (normalisation.mean, normalisation.std))
    grey = np.arange(256, dtype=np.float32)[:, None] / np.float32(normalisation.scale)
    table = np.ascontiguousarray(((grey - mean) / std).astype(np.float32)[None])

    def prepare(frames: Frames) -> Images:
        if frames.ndim == 4:
            return _put_channels_first(np.stack([cv2.LUT(frame, table) for frame in frames]))
        images = np.empty((len(frames), 1, *frames.shape[1:]), np.float32)
        for frame, image in zip(frames, images, strict=True):
            cv2.LUT(frame, table, dst=image[0])
        return images

    return prepare


TABLE = "OpenCV LUT"
"""Only for frames of 8 bits: OpenCV has no larger tables."""

PREPARATIONS: Mapping[str, Callable[[Normalisation], Prepare]] = {
    "NumPy": prepare_plainly,
    "NumPy in place": prepare_in_place,
    TABLE: prepare_by_table,
}
"""Way → what makes it; the usual one first. The fastest of them is taken."""


def list_preparations(pixels: PixelFormat) -> list[str]:
    """Return the ways that take frames of such pixels."""
    return [name for name in PREPARATIONS if name != TABLE or pixels.bits <= 8]


def _add_channels(frames: Frames) -> Frames:
    return frames[..., None] if frames.ndim == 3 else frames


def _put_channels_first(images: Images) -> Images:
    """Return (N, C, H, W) of (N, H, W, C), contiguous; a grey image is not copied."""
    if images.shape[3] == 1:
        return images.reshape(len(images), 1, *images.shape[1:3])
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
