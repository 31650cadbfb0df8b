"""A video file as a web: each of its frames is the next strip. Needs OpenCV (extra `line`).

A film is stored as luma and chroma. What was grey is not quite grey once it is decoded to colours, by a few levels of
rounding; its luma is what the camera saw. A grey network without a formula of its own is given that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.optional import import_optional
from edgekit_runtime.pixels import to_grey


@dataclass(frozen=True, eq=False)
class Film:
    """A video that was opened.

    Attributes:
        frames: uint8 (h, W, 3) in the order of a colour network's pixels, and RGB for a grey one with a formula of its
            own, which makes them grey. uint8 (h, W) for a grey network with "equal": the luma by BT.601.
        width: Of each frame; None where the file does not say it.
    """

    frames: Iterator[Pixels]
    width: int | None


def open_film(path: Path, pixels: PixelFormat) -> Film:
    """Open a video, and return its frames as a bundle takes them.

    Args:
        path: Of the file, in a format that OpenCV reads.
        pixels: Channels; a video has 8 bits.

    Raises:
        UsageProblem: If there is no such file, or the network takes deeper frames.
        FrameError: If OpenCV does not read it.
        MissingDependency: If OpenCV is not installed.
    """
    if not path.is_file():
        raise UsageProblem(f"{path}: there is no video here.", remedy="Check the path after video:.")
    if pixels.bits != 8:
        raise UsageProblem(
            f"A video has 8 bits, and the bundle takes {pixels.bits}.",
            remedy="Take a folder of images of the camera's depth.",
        )
    cv2 = import_optional("cv2", extra="line")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise FrameError(
            f"{path}: this is no video that OpenCV reads.", remedy="Convert it, to MP4 or AVI for instance."
        )
    return Film(_read_capture(capture, pixels), int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) or None)


def _read_capture(capture: Any, pixels: PixelFormat) -> Iterator[Pixels]:
    try:
        while True:
            good, frame = capture.read()
            if not good:
                return
            yield _order(frame, pixels)
    finally:
        capture.release()


def _order(frame: Pixels, pixels: PixelFormat) -> Pixels:
    """Return a decoded frame, BGR as OpenCV gives it, as the bundle takes it."""
    if pixels.channels == "bgr":
        return frame
    rgb = np.ascontiguousarray(frame[:, :, ::-1])
    return to_grey(rgb, "bt601") if (pixels.channels, pixels.grey) == ("grey", "equal") else rgb
