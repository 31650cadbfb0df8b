"""A video file as a web: each of its frames is the next strip. Needs OpenCV (extra `line`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.optional import import_optional


def read_frames(path: Path, pixels: PixelFormat) -> Iterator[Pixels]:
    """Yield the frames of a video as a bundle takes them.

    Args:
        path: Of the file, in a format that OpenCV reads.
        pixels: Channels; a video has 8 bits.

    Yields:
        uint8 (h, W, 3): in the order of `pixels`, or RGB for a grey network, whose own formula makes them grey.

    Raises:
        UsageProblem: If there is no such file, or the network takes deeper frames.
        FrameError: If OpenCV can read no frame of it.
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
    count = 0
    try:
        while True:
            good, frame = capture.read()
            if not good:
                break
            count += 1
            yield frame if pixels.channels == "bgr" else np.ascontiguousarray(frame[:, :, ::-1])
    finally:
        capture.release()
    if not count:
        raise FrameError(
            f"{path}: no frame of it can be read.", remedy="Convert it to a format that OpenCV reads."
        )
