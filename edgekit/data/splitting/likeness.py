"""What is kept of an image to tell whether another one shows the same picture, and how alike two are.

Three things, 12 KiB together: a hash of the pixels, the perceptual hashes, and two small pictures of 64×64 cells, in
which slow changes of light are taken out. `outline` has the contrast of the image, and survives strong compression.
`detail` has the same contrast everywhere, so that fine texture counts as much as strong edges; two parts in one
fixture share their edges but not their texture.

Numbers are integers, or come from integers by one division or root, which IEEE 754 defines to the last bit: likeness is
the same on every machine. What may differ is the decoder of a JPEG, by a grey level.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Dataset, Image
from edgekit.data.splitting.perceptual_hash import CELL_SCALE, Cells, Hashes, hash_orientations, shrink_image
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import PixelFormat

SIDE = 64
"""Cells per side of the small pictures."""

_OUTLINE_RADIUS, _DETAIL_RADIUS = 4, 1
"""The mean of 9×9 and of 3×3 cells is taken out."""

_NORM = 60 * SIDE
"""Of outlines and details as vectors: below 2^12, so that no sum of products exceeds the 2^24 that float32 holds."""

_QUIET = 1.0
"""Grey levels of local contrast below which `detail` fades: what re-encoding invents on plain areas is weaker."""

_CACHED = 20_000


@dataclass(frozen=True, eq=False)
class Look:
    """What is kept of one image.

    Attributes:
        pixels: sha256 of shape and pixels; equal for copies of one picture in any lossless format.
        hashes: uint64 (8,), see `hash_orientations`.
        outline: int16 (64, 64), mean 0; all 0 for an image without contrast.
        detail: int16 (64, 64), the same with local contrast evened out.
    """

    pixels: str
    hashes: Hashes
    outline: npt.NDArray[np.int16]
    detail: npt.NDArray[np.int16]


def look_at(image: Image, *, bits: int = 8) -> Look:
    """Return what is kept of an image.

    Args:
        image: uint8 or uint16 (H, W) grey or (H, W, 3) RGB; three equal channels count as grey.
        bits: Depth of the image.
    """
    if image.ndim == 3 and (image == image[:, :, :1]).all():
        image = image[:, :, 0]
    content = hashlib.sha256(f"{image.shape} ".encode())
    content.update(np.ascontiguousarray(image).data)
    # The margin is what the means at the border need: mirrored borders would look alike in every image.
    cells = shrink_image(image, SIDE + 2 * _OUTLINE_RADIUS, bits=bits)
    inner = cells[_OUTLINE_RADIUS - 1 : 1 - _OUTLINE_RADIUS, _OUTLINE_RADIUS - 1 : 1 - _OUTLINE_RADIUS]
    outline = _subtract_mean(cells, _OUTLINE_RADIUS)
    return Look(
        content.hexdigest(),
        hash_orientations(image, bits=bits),
        _normalise(outline),
        _normalise(_even_out(inner)),
    )


def look_at_items(dataset: Dataset, *, reporter: Reporter) -> list[Look]:
    """Return what is kept of each image of a dataset; each is read once per process.

    Raises:
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    looks: list[Look] = []
    with reporter.progress(f"looking for copies in {dataset.name}", len(dataset)) as advance:
        for index in range(len(dataset)):
            key = (dataset.digest(index), dataset.pixels)
            look = _SEEN.get(key)
            if look is None:
                look = look_at(dataset.load(index).image, bits=dataset.pixels.bits)
                if len(_SEEN) >= _CACHED:
                    del _SEEN[next(iter(_SEEN))]
                _SEEN[key] = look
            looks.append(look)
            advance()
    return looks


def measure_norms(pictures: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the Euclidean norms of small pictures (N, 64, 64); infinite where one is empty: nothing is like it."""
    squares = (pictures.astype(np.int64) ** 2).sum(axis=(1, 2))
    return np.where(squares > 0, np.sqrt(squares), np.inf)


def _subtract_mean(cells: Cells, radius: int) -> Cells:
    """Return each cell less the mean of those around it, times their number; the margin is left out."""
    count = (2 * radius + 1) ** 2
    return count * cells[radius:-radius, radius:-radius] - _sum_around(cells, radius)


def _sum_around(cells: Cells, radius: int) -> Cells:
    sums = cells
    for _ in range(2):
        running = np.pad(sums.cumsum(axis=0), ((1, 0), (0, 0)))
        sums = (running[2 * radius + 1 :] - running[: -2 * radius - 1]).T
    return sums


def _even_out(cells: Cells) -> Cells:
    """Return the differences to the local mean, each divided by the local contrast; two cells of margin are lost."""
    difference = _subtract_mean(cells, _DETAIL_RADIUS)
    count = (2 * _DETAIL_RADIUS + 1) ** 2
    padded = np.pad(difference, _DETAIL_RADIUS, mode="edge")
    contrast = np.sqrt(_sum_around(padded**2, _DETAIL_RADIUS) / count)
    quiet = _QUIET * CELL_SCALE * count
    evened: Cells = np.rint(CELL_SCALE * difference / (contrast + quiet)).astype(np.int64)
    return evened


def _normalise(values: Cells) -> npt.NDArray[np.int16]:
    """Return the values less their mean, scaled to the norm that all small pictures have."""
    centred = values - int(np.rint(values.sum() / values.size))
    norm = np.sqrt((centred**2).sum())
    if norm == 0:
        return np.zeros(values.shape, np.int16)
    scaled: npt.NDArray[np.int16] = np.rint(centred * (_NORM / norm)).astype(np.int16)
    return scaled


_SEEN: dict[tuple[str, PixelFormat], Look] = {}
"""By the item's digest and how its pixels are read, oldest first."""
