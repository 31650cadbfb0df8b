"""Pictures of the validation part while a network learns: what is there, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit.media.contact_sheet import write_sheet
from edgekit.media.overlays import draw_outline, tint_mask, to_rgb
from edgekit.media.shades import shade_frame
from edgekit.train.sample_store import SampleStore
from edgekit_runtime.padding import crop_back, pad_frame, padded_size
from edgekit_runtime.pixels import widen
from edgekit_runtime.replacing import make_write_fault

COUNT = 8
TIMES = 8
"""Pictures are drawn about so often in a run."""

Answer = Callable[[np.ndarray], np.ndarray]
"""Images (1, H, W[, 3]) of an admitted size, in the type that graphs take → masks (1, H, W)."""


def is_drawn(epoch: int, epochs: int) -> bool:
    """Return whether the 1-based epoch is one of those that are drawn: the first, the last, and some between."""
    return epoch in (1, epochs) or epoch % max(1, round(epochs / TIMES)) == 0


def choose_images(store: SampleStore) -> list[int]:
    """Return up to eight images spread over the part, three quarters of them defective where there are so many."""
    defective, normal = np.flatnonzero(store.defective), np.flatnonzero(~store.defective)
    some = _spread(defective, max(COUNT * 3 // 4, COUNT - len(normal)))
    return sorted([*some, *_spread(normal, COUNT - len(some))])


def draw_samples(path: Path, store: SampleStore, answer: Answer, *, multiple: int) -> None:
    """Write a sheet of validation images: red what was found, a green outline around what is really there.

    Raises:
        IoFault: If the disk refuses.
    """
    tiles = []
    for index in choose_images(store):
        sample = store.load(index)
        height, width = sample.image.shape[:2]
        padded = pad_frame(widen(sample.image, store.pixels), padded_size(height, width, multiple))
        picture = to_rgb(shade_frame(sample.image, store.pixels))
        tint_mask(picture, crop_back(answer(padded[np.newaxis]), height, width)[0])
        draw_outline(picture, sample.known_mask)
        tiles.append((picture, sample.name))
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise make_write_fault(path, error) from error
    write_sheet(path, tiles)


def _spread(indices: np.ndarray, count: int) -> list[int]:
    count = min(count, len(indices))
    return [int(indices[place * len(indices) // count]) for place in range(count)]
