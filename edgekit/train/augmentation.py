"""Changes of an image that leave its meaning: by name, on grey levels, decided by the generator alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.data.contract import Sample
from edgekit_runtime.errors import UsageProblem

Augment = Callable[[Sample, np.random.Generator, int], Sample]
"""A sample, the generator and the number of grey levels → the changed sample."""

BRIGHTNESS = 0.1
"""Largest shift, as a share of the highest grey level."""

CONTRAST = 0.2
"""Largest change of contrast about the image's mean, as a share."""

GAMMA = 0.2
"""Largest change of the exponent, as a share: exposure."""

TIMES_EIGHT = ("rot90", "flip")
"""Four rotations × mirror: the eight orientations of a square, each equally likely."""


def rotate_quarters(sample: Sample, generator: np.random.Generator, _levels: int) -> Sample:
    """Turn by 0, 90, 180 or 270 degrees, each equally likely."""
    turns = int(generator.integers(4))
    return _map_both(sample, lambda pixels: np.rot90(pixels, turns))


def flip(sample: Sample, generator: np.random.Generator, _levels: int) -> Sample:
    """Mirror left and right, every other time; with `rot90` this gives the eight orientations."""
    return _map_both(sample, np.fliplr) if generator.random() < 0.5 else sample


def flip_both(sample: Sample, generator: np.random.Generator, levels: int) -> Sample:
    """Mirror left and right and, independently, top and bottom: for webs whose direction matters."""
    sample = flip(sample, generator, levels)
    return _map_both(sample, np.flipud) if generator.random() < 0.5 else sample


def change_light(sample: Sample, generator: np.random.Generator, levels: int) -> Sample:
    """Change brightness, contrast and gamma by up to ±10 %, ±20 % and ±20 %, through one table of all grey levels."""
    shift, contrast, gamma = generator.uniform(-1, 1, 3) * (BRIGHTNESS, CONTRAST, GAMMA)
    highest = levels - 1
    mean = float(sample.image.mean()) / highest
    shades = np.linspace(0, 1, levels) ** (1 + gamma)
    table = np.clip((shades - mean) * (1 + contrast) + mean + shift, 0, 1) * highest
    changed = np.round(table).astype(sample.image.dtype)[sample.image]
    return Sample(sample.name, changed, sample.mask, sample.kinds)


AUGMENTATIONS: Mapping[str, Augment] = {
    "rot90": rotate_quarters,
    "flip": flip,
    "flips": flip_both,
    "light": change_light,
}


def augment_sample(
    sample: Sample, names: Sequence[str], generator: np.random.Generator, *, levels: int = 256
) -> Sample:
    """Apply augmentations in order, to an image of so many grey levels."""
    for name in names:
        sample = AUGMENTATIONS[name](sample, generator, levels)
    return sample


def require_augmentations(names: Sequence[str]) -> None:
    """Refuse unknown names.

    Raises:
        UsageProblem: Naming those that exist.
    """
    unknown = [name for name in names if name not in AUGMENTATIONS]
    if unknown:
        raise UsageProblem(
            f"There is no augmentation {unknown[0]!r}; choose from {', '.join(AUGMENTATIONS)}."
        )


def _map_both(sample: Sample, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Sample:
    mask = None if sample.mask is None else change(sample.mask)
    return Sample(sample.name, change(sample.image), mask, sample.kinds)
