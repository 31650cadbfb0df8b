"""Images of rejected parts in a folder of bounded size: the oldest go."""

from __future__ import annotations

import errno
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle.contract import Channels
from edgekit_runtime.line.png import encode_png

PREFIX = "part-"


class PictureFolder:
    """Keeps images up to a number of bytes; images of earlier runs count, and go first.

    Args:
        folder: Made if need be. Only its files part-*.png are looked at, and deleted.
        max_bytes: Of all images together.
        channels: Order of the channels of colour images.
    """

    def __init__(self, folder: Path, *, max_bytes: int, channels: Channels) -> None:
        self._folder = folder
        self._max_bytes, self._channels = max_bytes, channels
        self._kept: deque[tuple[Path, int]] | None = None
        self._bytes = 0

    def save(self, name: str, pixels: npt.NDArray[Any]) -> Path:
        """Write an image as part-NAME.png, and delete the oldest ones as far as that is needed.

        Args:
            name: Without folder and ending; sorts behind those before.
            pixels: uint8 or uint16 (h, W) or (h, W, 3).

        Raises:
            OSError: If the disk refuses, or the image alone is too large; no half of a file is left.
        """
        encoded = encode_png(pixels[..., ::-1] if self._channels == "bgr" else pixels)
        if len(encoded) > self._max_bytes:
            raise OSError(errno.EFBIG, f"an image of {len(encoded)} bytes is larger than all may be", name)
        kept = self._list()
        while kept and self._bytes + len(encoded) > self._max_bytes:
            path, size = kept.popleft()
            path.unlink(missing_ok=True)
            self._bytes -= size
        target = self._folder / f"{PREFIX}{name}.png"
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            temporary.write_bytes(encoded)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        kept.append((target, len(encoded)))
        self._bytes += len(encoded)
        return target

    def _list(self) -> deque[tuple[Path, int]]:
        if self._kept is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = [(path, path.stat()) for path in self._folder.glob(f"{PREFIX}*.png")]
            found.sort(key=lambda entry: (entry[1].st_mtime_ns, entry[0].name))
            self._kept = deque((path, status.st_size) for path, status in found)
            self._bytes = sum(size for _, size in self._kept)
        return self._kept


class RecentRows:
    """The rows of the web that images may still be cut from, at most so many.

    Args:
        most_rows: Older ones are forgotten.
    """

    def __init__(self, most_rows: int) -> None:
        self._most = most_rows
        self._pieces: deque[tuple[int, npt.NDArray[Any]]] = deque()
        self._seen = 0

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Take the next rows of the web; they are kept, not copied."""
        self._pieces.append((self._seen, rows))
        self._seen += len(rows)
        self.forget(self._seen - self._most)

    def skip(self, rows: int) -> None:
        """Leave out rows that nobody has seen."""
        self._seen += rows
        self.forget(self._seen - self._most)

    def forget(self, before: int) -> None:
        """Let go of what lies wholly before a row."""
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= before:
            self._pieces.popleft()

    def cut(self, y1: int, y2: int) -> tuple[int, npt.NDArray[Any]] | None:
        """Return a copy of rows y1..y2 as far as they are kept, and the first of them; None where none is.

        Rows between that nobody has seen are black.
        """
        pieces = [(top, rows) for top, rows in self._pieces if top < y2 and top + len(rows) > y1]
        if not pieces:
            return None
        first = max(y1, pieces[0][0])
        last = min(y2, pieces[-1][0] + len(pieces[-1][1]))
        image = np.zeros((last - first, *pieces[0][1].shape[1:]), pieces[0][1].dtype)
        for top, rows in pieces:
            start, end = max(top, first), min(top + len(rows), last)
            image[start - first : end - first] = rows[start - top : end - top]
        return first, image
