"""A dataset at one size: what a network of a fixed input is trained on, where images are larger or of many sizes.

Height and width are changed each for itself, as papers with one input size do; shapes are squashed where the ratio of
the sides changes. A network that was trained on such images knows only frames that were resized in the same way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Dataset, Image, Mask, Sample, View, digest_parts
from edgekit.media.images import LARGEST_PIXELS
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.optional import import_optional

VERSION = 1
"""Of the rules below; part of the fingerprint."""


class Resized(View):
    """A dataset whose images all have one size; items, groups, labels and kinds stay what they are.

    Args:
        source: Images of any size.
        size: (height, width) in pixels.

    Raises:
        UsageProblem: If the size is none, or larger than edgekit reads.
    """

    def __init__(self, source: Dataset, size: tuple[int, int]) -> None:
        super().__init__(source)
        height, width = size
        if min(size) < 1 or height * width > LARGEST_PIXELS:
            raise UsageProblem(
                f"Images cannot be resized to {height}×{width}: edgekit reads 1 to {LARGEST_PIXELS:,} pixels.",
                remedy="Choose the size that the network shall take, such as 128x128.",
            )
        self.size = (height, width)
        self.name = f"{source.name}@{height}x{width}"

    def load(self, index: int) -> Sample:
        """Return the source's sample at the size."""
        sample = self.source.load(index)
        image = resize_image(sample.image, self.size, levels=self.pixels.levels)
        mask = None if sample.mask is None else resize_mask(sample.mask, self.size)
        return replace(sample, image=image, mask=mask)

    def digest(self, index: int) -> str:
        """Return a hash of the source's digest and the size."""
        return digest_parts("resized", VERSION, self.source.digest(index), self.size)


def resize_image(image: Image, size: tuple[int, int], *, levels: int) -> Image:
    """Return an image at another size, by Pillow's Lanczos filter.

    The filter is as wide as the shrinking asks for, so that what the new pixels cannot show is left out instead of
    coming back as a pattern. Woven cloth decides which filter: from 512² to 128², averages over areas come back with
    twice the false pattern (5.8 to 8.9 grey levels, RMS against an ideal low pass, by weave; Lanczos 3.0 to 4.7).

    Args:
        image: uint8 or uint16, (H, W) or uint8 (H, W, 3).
        size: (height, width) in pixels.
        levels: How many grey values the image may have; the filter overshoots at edges, and is cut off there.
    """
    height, width = size
    pillow = import_optional("PIL.Image", extra="cpu")
    # Pillow filters 16-bit grey in floating point only.
    source = image if image.dtype == np.uint8 else image.astype(np.float32)
    resized = pillow.fromarray(source).resize((width, height), pillow.Resampling.LANCZOS)
    cut: Image = np.clip(np.rint(np.asarray(resized)), 0, levels - 1).astype(image.dtype)
    return cut


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Return a mask at another size: a pixel is a defect where any of the pixels that it covers is.

    A crack of one pixel survives any shrinking, unbroken, which the nearest pixel or a majority would tear or lose; the
    outline moves outwards by less than one pixel. Of several classes below one pixel, the most frequent one
    counts, the first of equals: no class is invented.

    Args:
        mask: uint8 (H, W), 0 the background.
        size: (height, width) in pixels.
    """
    present = [int(value) for value in np.unique(mask) if value]
    if not present:
        return np.zeros(size, np.uint8)
    counts = np.stack([_count_below(mask == value, size) for value in present])
    most = np.array(present, np.uint8)[counts.argmax(axis=0)]
    return np.where(counts.any(axis=0), most, np.uint8(0))


def _count_below(inside: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return how many true pixels lie, wholly or in part, below each pixel of the new size."""
    sums = np.zeros((inside.shape[0] + 1, inside.shape[1] + 1), np.int64)
    sums[1:, 1:] = inside.cumsum(axis=0).cumsum(axis=1)
    (top, bottom), (left, right) = (_list_bounds(*sides) for sides in zip(inside.shape, size, strict=True))
    upper, lower = sums[top], sums[bottom]
    counts: npt.NDArray[np.int64] = lower[:, right] - lower[:, left] - upper[:, right] + upper[:, left]
    return counts


def _list_bounds(old: int, new: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first old pixel below each new one, and the one behind the last."""
    places = np.arange(new)
    return places * old // new, -(-(places + 1) * old // new)
