"""Render one synthetic image and its label from a class, an index and a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic import (
    class01,
    class02,
    class03,
    class04,
    class05,
    class06,
    class07,
    class08,
    class09,
    class10,
)
from edgekit.data.synthetic.ellipses import Ellipse, sample_ellipse
from edgekit.data.synthetic.kinds import KINDS
from edgekit.data.synthetic.noise import Field, Frame
from edgekit.data.synthetic.tones import to_uint8

#: Raised whenever the same arguments give other pixels; data sets record it.
GENERATOR_VERSION = 1

#: Below this side the largest ellipses and the grain have nothing left in common with the real images.
MIN_SIDE = 64

_Painter = Callable[[np.random.Generator, Frame, Ellipse | None], Field]

_PAINTERS: Mapping[int, _Painter] = {
    1: class01.paint,
    2: class02.paint,
    3: class03.paint,
    4: class04.paint,
    5: class05.paint,
    6: class06.paint,
    7: class07.paint,
    8: class08.paint,
    9: class09.paint,
    10: class10.paint,
}


def render(
    kind: int,
    index: int,
    *,
    defective: bool,
    seed: int = 0,
    size: tuple[int, int] = (512, 512),
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Render image ``index`` of class ``kind``.

    The result depends on the arguments alone. Defective and defect-free images of one index are unrelated.

    Args:
        kind: The class, 1 to 10; see ``KINDS``.
        index: The number of the image, from 0.
        defective: Whether the image shows a defect.
        seed: Chooses another, unrelated set of images.
        size: (height, width) in pixels, each at least 64.

    Returns:
        The image, uint8 (H, W), and its mask, uint8 (H, W): 1 inside the ellipse around the defect, else 0.

    Raises:
        ValueError: A class outside 1 to 10, a negative index or seed, or a side below 64.
    """
    _check_arguments(kind, index, seed, size)
    frame = Frame(*size)
    entropy = (seed, kind, index, int(defective), frame.height, frame.width)
    geometry, texture = (np.random.default_rng(child) for child in np.random.SeedSequence(entropy).spawn(2))
    ellipse = sample_ellipse(geometry, KINDS[kind], frame) if defective else None
    image = to_uint8(_PAINTERS[kind](texture, frame, ellipse))
    mask = ellipse.mask(frame) if ellipse is not None else np.zeros(frame.shape, dtype=np.uint8)
    return image, mask


def _check_arguments(kind: int, index: int, seed: int, size: tuple[int, int]) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be a DAGM class, 1 to {len(KINDS)}, got {kind!r}")
    if index < 0 or seed < 0:
        raise ValueError(f"index and seed must not be negative, got index={index} and seed={seed}")
    if len(size) != 2 or min(size) < MIN_SIDE:
        raise ValueError(f"size must be (height, width), each at least {MIN_SIDE} px, got {size!r}")
