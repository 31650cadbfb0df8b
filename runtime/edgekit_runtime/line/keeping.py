"""Writing records and images beside the line: a disk that is slow, full or gone costs records, never verdicts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from edgekit_runtime.line.pictures import PictureFolder
from edgekit_runtime.line.records import RotatingRecords
from edgekit_runtime.line.threads import Joinable, StartThread

RECORDS_WAITING = 4096
PICTURES_WAITING = 8
"""What may wait for the disk; an image of a metre of cloth has 13 MB."""


@dataclass
class _Store:
    """One kind of thing to write, and how that goes."""

    room: int
    write: Callable[[Any], object] | None
    waiting: int = 0
    lost: int = 0
    fault: str | None = None
    """Of the last attempt; None when it went well."""


@dataclass(frozen=True, eq=False)
class _Picture:
    name: str
    pixels: npt.NDArray[Any]


class Keeper:
    """Writes on a thread of its own. What finds no room, or cannot be written, is lost and counted.

    Every thing is tried: when there is room on the disk again, writing goes on by itself.

    Args:
        records: Where records go; None keeps none.
        pictures: Where images go; None keeps none.
        tell: Is told, in words, when writing begins to fail and when it goes on; called on the keeper's thread.
        start_thread: Starts a function beside this one.
    """

    def __init__(
        self,
        records: RotatingRecords | None,
        pictures: PictureFolder | None,
        *,
        tell: Callable[[str], None],
        start_thread: StartThread,
    ) -> None:
        self._records = records
        self._stores = {
            "records": _Store(RECORDS_WAITING, None if records is None else records.write),
            "images": _Store(
                PICTURES_WAITING,
                None if pictures is None else lambda picture: pictures.save(picture.name, picture.pixels),
            ),
        }
        self._tell = tell
        self._waiting: deque[tuple[str, Any]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: Joinable | None = start_thread(self._run) if records or pictures else None

    @property
    def wants_pictures(self) -> bool:
        """Whether images are kept."""
        return self._stores["images"].write is not None

    @property
    def lost_records(self) -> int:
        """Records that were not written."""
        return self._stores["records"].lost

    @property
    def lost_pictures(self) -> int:
        """Images that were not written."""
        return self._stores["images"].lost

    def record(self, record: dict[str, Any]) -> None:
        """Have a record written, in its turn; returns at once."""
        self._put("records", record)

    def picture(self, name: str, pixels: npt.NDArray[Any]) -> None:
        """Have an image written, in its turn; returns at once."""
        self._put("images", _Picture(name, pixels))

    def close(self, timeout_s: float = 30.0) -> None:
        """Wait until what was given is written, for so long at most; what is left then is lost. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None
        with self._changed:
            for kind, _ in self._waiting:
                self._stores[kind].lost += 1
            self._waiting.clear()

    def _put(self, kind: str, thing: Any) -> None:
        store = self._stores[kind]
        if store.write is None:
            return
        with self._changed:
            if self._closed or store.waiting >= store.room:
                store.lost += 1
                return
            store.waiting += 1
            self._waiting.append((kind, thing))
            self._changed.notify_all()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._write(*job)
        if self._records is not None:
            try:
                self._records.close()
            except OSError as error:
                self._tell(f"the last records may not be on the disk: {_describe(error)}")

    def _next(self) -> tuple[str, Any] | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            kind, thing = self._waiting.popleft()
            self._stores[kind].waiting -= 1
            return kind, thing

    def _write(self, kind: str, thing: Any) -> None:
        store = self._stores[kind]
        assert store.write is not None
        try:
            store.write(thing)
        except (
            Exception
        ) as error:  # no memory to compress an image, say: the next thing is tried all the same
            with self._changed:
                store.lost += 1
            if store.fault is None:
                self._tell(f"{kind} cannot be written and are lost: {_describe(error)}")
            store.fault = _describe(error)
            return
        if store.fault is not None:
            store.fault = None
            self._tell(f"{kind} are written again; {store.lost} were lost so far")


def _describe(error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
