"""Frames as image files, for the time that reading them takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from edgekit.media.images import read_image, write_png
from edgekit_benchmarks.contestants import Frames
from edgekit_benchmarks.phases import Decode
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import MissingDependency
from edgekit_runtime.optional import import_optional


@contextmanager
def open_decoder(batches: Sequence[Frames], pixels: PixelFormat) -> Iterator[Decode | None]:
    """Yield what reads the frames of a batch from PNG files; None where Pillow is not installed, or has no such files.

    Args:
        batches: (N, H, W[, 3]) each.
        pixels: What the frames are.
    """
    if pixels.bits > 8 and pixels.channels != "grey":
        yield None
        return
    try:
        import_optional("PIL", extra="cpu")
    except MissingDependency:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
        paths = []
        for number, batch in enumerate(batches):
            paths.append([Path(name, f"{number}-{index}.png") for index in range(len(batch))])
            for path, frame in zip(paths[-1], batch, strict=True):
                write_png(path, frame)

        def decode(number: int) -> object:
            kind: Literal["grey", "rgb"] = "grey" if pixels.channels == "grey" else "rgb"
            return [read_image(path, pixels, channels=kind) for path in paths[number]]

        yield decode
