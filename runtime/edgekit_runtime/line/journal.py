"""What leaves the line besides verdicts: events, records of everything, images of rejected parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.contract import Channels
from edgekit_runtime.line.answers import PartAnswer
from edgekit_runtime.line.keeping import Keeper
from edgekit_runtime.line.pictures import PictureFolder, RecentRows
from edgekit_runtime.line.records import RotatingRecords
from edgekit_runtime.line.settings import LineSettings
from edgekit_runtime.line.strips import Arrival
from edgekit_runtime.line.summary import SCHEMA, LineSummary
from edgekit_runtime.line.threads import StartThread
from edgekit_runtime.results import Region

MOST_WAITING_EVENTS = 1000


class Journal:
    """Keeps the records of a line. `tell` may be called on any thread, all else on the line's own.

    Args:
        settings: Where records and images go.
        channels: Of the web's pixels.
        on_event: Is told every event, in words, on the line's thread.
        clock: Seconds.
        now: The time of day, for records.
        start_thread: Starts the thread that writes.
    """

    def __init__(
        self,
        settings: LineSettings,
        *,
        channels: Channels,
        on_event: Callable[[str], None] | None,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        start_thread: StartThread,
    ) -> None:
        self._on_event, self._now = on_event, now
        self._events: SimpleQueue[str] = SimpleQueue()
        self._run = now().strftime("%Y%m%dT%H%M%S")
        records = pictures = None
        if settings.records is not None:
            records = RotatingRecords(
                Path(settings.records),
                max_bytes=settings.records_bytes,
                files=settings.records_files,
                sync_s=settings.records_sync_s,
                clock=clock,
            )
        if settings.pictures is not None:
            pictures = PictureFolder(
                Path(settings.pictures), max_bytes=settings.pictures_bytes, channels=channels
            )
        self.keeper = Keeper(records, pictures, tell=self.tell, start_thread=start_thread)
        self._recent = RecentRows(settings.picture_rows) if pictures is not None else None

    def tell(self, event: str) -> None:
        """Say what happened, from any thread. Beyond what can wait, nothing is said: the counts say it."""
        if self._events.qsize() < MOST_WAITING_EVENTS:
            self._events.put(event)

    def pass_on_events(self) -> None:
        """Record what was told since the last time, and pass it on."""
        while True:
            try:
                event = self._events.get_nowait()
            except Empty:
                return
            self._record("event", {"event": event})
            if self._on_event is not None:
                self._on_event(event)

    def begin(self, bundle: Bundle) -> None:
        """Record which bundle answers from now on."""
        manifest = bundle.manifest
        self._record(
            "bundle",
            {"name": manifest.name, "digest": bundle.digest, "provenance": manifest.provenance.kind},
        )

    def see(self, arrival: Arrival) -> None:
        """Remember the rows that images may be cut from."""
        if self._recent is None:
            return
        self._recent.skip(arrival.lost_rows)
        if arrival.rows is not None:
            self._recent.add(arrival.rows)

    def record_answer(self, answer: PartAnswer) -> None:
        """Record a verdict, and keep an image where it is a rejection."""
        part = answer.part
        picture = None
        if self._recent is not None:
            cut = self._recent.cut(part.y1, part.y2) if part.verdict == "reject" else None
            if cut is not None:
                first_row, pixels = cut
                picture = f"{self._run}-{part.number:09d}-row{first_row}"
                self.keeper.picture(picture, pixels)
            self._recent.forget(part.y2)
        self._record("part", {**answer.to_dict(), "picture": picture})

    def record_defects(self, defects: Sequence[Region]) -> None:
        """Record regions that are complete."""
        for region in defects:
            self._record("defect", region.to_dict())

    def close(self, summary: LineSummary) -> None:
        """Record the summary, and wait until everything is written."""
        self._record("summary", summary.to_dict())
        self.keeper.close()
        self.pass_on_events()

    def _record(self, kind: str, document: dict[str, Any]) -> None:
        utc = self._now().isoformat(timespec="milliseconds")
        self.keeper.record({"schema": SCHEMA, "kind": kind, "utc": utc, **document})
