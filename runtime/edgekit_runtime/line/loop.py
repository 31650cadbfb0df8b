"""The line: strips from a source, inspected in time, with everything that goes wrong counted and said.

Three threads work: one takes strips from the source, the caller's inspects them and calls back, one writes to the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line.intake import Source
from edgekit_runtime.line.session import Callbacks, OnAnswer, Session, StopFlag, Surroundings
from edgekit_runtime.line.settings import LineSettings
from edgekit_runtime.line.summary import LineSummary
from edgekit_runtime.line.swapping import DetectorChoice, Swap, SwapDesk
from edgekit_runtime.line.threads import StartThread, start_daemon


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Line:
    """Inspects a web with a bundle until its source ends or it is stopped. It runs once.

    Args:
        bundle: Path of a bundle, or an opened one.
        source: Arrays (h, W[, 3]), or `Strip`s: a generator around a camera's own call is one. It is asked on a thread
            of its own, which a camera that never returns from its call does not leave.
        settings: How the line works.
        choice: Device and backend that bundles are opened with.
        on_part: Is called with every answer that came in time, in the order of the parts.
        on_late: Is called with every answer that did not, which `on_part` never sees. None: late answers are only
            counted and recorded.
        on_event: Is called with whatever went wrong or changed, in words.
        clock: Seconds of a steady clock, which `Strip.captured_s` is read on, too.
        now: The time of day, for records.
        start_thread: Starts a function beside this one.

    All callbacks run on the thread that calls `run`, and the line waits for them.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle,
        source: Source,
        settings: LineSettings = LineSettings(),  # noqa: B008
        *,
        choice: DetectorChoice = DetectorChoice(),  # noqa: B008
        on_part: OnAnswer | None = None,
        on_late: OnAnswer | None = None,
        on_event: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = _utc_now,
        start_thread: StartThread = start_daemon,
    ) -> None:
        self._bundle, self._source, self._settings, self._choice = bundle, source, settings, choice
        self._callbacks = Callbacks(on_part, on_late, on_event)
        self._surroundings = Surroundings(clock, now, start_thread)
        self._desk = SwapDesk(Swap(choice, start_thread))
        self._stop = StopFlag()
        self._session: Session | None = None

    def run(self) -> LineSummary:
        """Inspect the web to its end, and return what happened.

        Whether the source ends, fails or stalls, or the line is stopped: what was captured before is judged. A part
        that is not complete then is rejected, unless the source ended by itself. Where the bundle or a callback fails,
        what is not answered stays so. The records are written always.

        Raises:
            UsageProblem: If the settings do not fit the bundle, or the line ran before.
            FrameError: If too many strips in a row could not be used, or of all that came none.
            IoFault: If the source failed, or has stalled where that ends the line.
            EdgekitError: As `Detector.open` raises.
        """
        if self._session is not None:
            raise UsageProblem("The line has run; it runs once.", remedy="Make a new Line.")
        detector = self._choice.open(self._bundle)
        try:
            self._session = Session(
                detector,
                self._settings,
                callbacks=self._callbacks,
                surroundings=self._surroundings,
                desk=self._desk,
                watched=None if isinstance(self._bundle, Bundle) else Path(self._bundle),
                stop=self._stop,
            )
        except BaseException:
            detector.close()
            raise
        try:
            self._session.run(self._source)
        finally:
            self._session.close()
        return self._session.summarise()

    def stop(self) -> None:
        """Let the line end cleanly: what was captured is judged. From any thread, or a signal's handler."""
        self._stop.is_set = True

    def swap(self, bundle: str | Path | None = None) -> None:
        """Have another bundle take over as soon as it is proved; from any thread, or a signal's handler.

        It is opened beside the one that runs, reproduces its golden samples, and must mean the same: then it answers
        from the next strip on, and no strip is lost. If it is refused the old one goes on, and an event says why.

        Args:
            bundle: Path; None takes the path that the line began with, where another bundle may be by now.
        """
        if bundle is None:
            bundle = self._bundle.path if isinstance(self._bundle, Bundle) else self._bundle
        self._desk.ask(Path(bundle))

    @property
    def has_begun(self) -> bool:
        """Whether there is something to summarise."""
        return self._session is not None

    def summarise(self) -> LineSummary:
        """Return what has happened so far; while the line runs, from its callbacks.

        Raises:
            UsageProblem: If the line has not begun.
        """
        if self._session is None:
            raise UsageProblem("The line has not begun.", remedy="Call run() first.")
        return self._session.summarise()


def run_line(
    bundle: str | Path | Bundle,
    source: Source,
    settings: LineSettings = LineSettings(),  # noqa: B008
    *,
    on_part: OnAnswer | None = None,
    on_late: OnAnswer | None = None,
    on_event: Callable[[str], None] | None = None,
    choice: DetectorChoice = DetectorChoice(),  # noqa: B008
) -> LineSummary:
    """Inspect the web that a source gives, to its end; see `Line`, which can also be stopped and swap its bundle."""
    line = Line(bundle, source, settings, choice=choice, on_part=on_part, on_late=on_late, on_event=on_event)
    return line.run()
