"""A folder of images as a web: in the order of their names, each is the next strip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edgekit.media.images import list_images, order_channels, read_image
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import EdgekitError
from edgekit_runtime.line.strips import Pixels


def read_strips(path: Path, pixels: PixelFormat) -> Iterator[Pixels | Exception]:
    """Return the images of a folder, or the one that is named, as a bundle takes them.

    Args:
        path: Of the folder.
        pixels: Depth and channels.

    Returns:
        Arrays (h, W) or (h, W, 3), or the error of an image that cannot be read: the web goes on behind it.

    Raises:
        DatasetError: If the folder holds no image.
    """
    return _read_files(list_images([path]), pixels)


def _read_files(files: Iterable[Path], pixels: PixelFormat) -> Iterator[Pixels | Exception]:
    for file in files:
        try:
            image = read_image(file, pixels, channels="grey" if pixels.channels == "grey" else "rgb")
        except EdgekitError as error:
            yield error
        else:
            yield order_channels(image, pixels.channels)
