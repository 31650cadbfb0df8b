"""A folder of images as a web: in the order of their names, each is the next strip."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgekit.media.images import FORMATS, order_channels, read_image
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import EdgekitError
from edgekit_runtime.line.strips import Pixels, UnusableStrip
from edgekit_runtime.optional import import_optional


def find_width(files: Iterable[Path]) -> int | None:
    """Return the width of the first image, which is the web's; its pixels are not decoded. None where none is one."""
    pillow = import_optional("PIL.Image", extra="cpu")
    for file in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with pillow.open(file, formats=FORMATS) as image:
                    return int(image.width)
        except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError):
            continue  # said when its turn comes
    return None


def read_strips(
    files: Iterable[Path], pixels: PixelFormat, width: int | None
) -> Iterator[Pixels | Exception]:
    """Yield images as a bundle takes them.

    Args:
        files: In the order of the web.
        pixels: Depth and channels.
        width: Of the web; None takes any.

    Yields:
        Arrays (h, W) or (h, W, 3), or what is wrong with an image, naming it: the web goes on behind it.
    """
    for file in files:
        try:
            image = read_image(file, pixels, channels="grey" if pixels.channels == "grey" else "rgb")
        except EdgekitError as error:
            yield error
            continue
        if width not in (None, image.shape[1]):
            yield UnusableStrip(f"{file} is {image.shape[1]} px wide, and the web {width}", rows=len(image))
        else:
            yield order_channels(image, pixels.channels)
