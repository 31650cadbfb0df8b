"""Results as JSON lines in files that rotate: what happened on the line, in bounded space."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

NAME = "line"

_BLOCK_BYTES = 1 << 16


class RotatingRecords:
    """Appends records to FOLDER/line.jsonl; when it is full it becomes line.1.jsonl, line.1 becomes line.2, and so on.

    A record is with the operating system before `write` returns: a crash of the process loses none. It is on the disk
    (fsync) when `sync_s` have passed since the last time, when a file is full, and when the records are closed: a power
    cut loses what is younger. A line is written whole or not at all: half of one that a full disk or a power cut has
    left is taken away, at the latest before the next one.

    Args:
        folder: Made if need be.
        max_bytes: Of one file, about.
        files: That are kept, the one that is written among them.
        sync_s: How often records are forced to the disk, at most.
        clock: Seconds.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int, files: int, sync_s: float, clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._max_bytes, self._files = max_bytes, files
        self._sync_s, self._clock = sync_s, clock
        self._file: BinaryIO | None = None
        self._size = 0
        self._synced_s = clock()

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._name(0)

    def write(self, record: dict[str, Any]) -> None:
        """Append one record.

        Raises:
            OSError: If the disk refuses; the next record is tried afresh.
        """
        line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            file = self._open()
            if self._size and self._size + len(line) > self._max_bytes:
                self._rotate()
                file = self._open()
            _write_all(file, line)
            if self._clock() - self._synced_s >= self._sync_s:
                self._sync(file)
            self._size += len(line)  # what is refused up to here is taken back, and not only counted as lost
        except OSError:
            self._abandon()
            raise

    def close(self) -> None:
        """Force what was written to the disk; may be called again.

        Raises:
            OSError: If the disk refuses.
        """
        file, self._file = self._file, None
        if file is not None:
            with file:
                os.fsync(file.fileno())

    def _open(self) -> BinaryIO:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
            self._size = _find_whole_lines(self._file)
            _shorten(self._file, self._size)
        return self._file

    def _rotate(self) -> None:
        self.close()
        for index in range(self._files - 1, 0, -1):
            if self._name(index - 1).exists():
                self._name(index - 1).replace(self._name(index))
        if self._files == 1:
            self.path.unlink(missing_ok=True)

    def _sync(self, file: BinaryIO) -> None:
        os.fsync(file.fileno())
        self._synced_s = self._clock()

    def _abandon(self) -> None:
        """Close the file, without the half of a line that a full disk may have taken."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            with file:
                _shorten(file, self._size)
        except OSError:
            pass  # what failed is raised already

    def _name(self, index: int) -> Path:
        return self._folder / (f"{NAME}.{index}.jsonl" if index else f"{NAME}.jsonl")


def _write_all(file: BinaryIO, line: bytes) -> None:
    """Write every byte: a disk that fills takes as many as it has room for, and refuses only the next call."""
    rest = memoryview(line)
    while rest:
        rest = rest[file.write(rest) :]


def _find_whole_lines(file: BinaryIO) -> int:
    """Return how many bytes of a file are whole lines."""
    end = os.fstat(file.fileno()).st_size
    while end:
        start = max(0, end - _BLOCK_BYTES)
        newline = os.pread(file.fileno(), end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _shorten(file: BinaryIO, size: int) -> None:
    """Cut a file to a size; never lengthen it, as `ftruncate` would, with zeros."""
    if os.fstat(file.fileno()).st_size > size:
        os.ftruncate(file.fileno(), size)
