"""A line while it runs: the thread that inspects, and what it hands around."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from edgekit_runtime.bundle.contract import InputContract
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import EdgekitError, FrameError, IoFault
from edgekit_runtime.line.answers import PartAnswer
from edgekit_runtime.line.captures import CaptureTimes
from edgekit_runtime.line.folders import prepare_folder
from edgekit_runtime.line.intake import Intake, Source
from edgekit_runtime.line.journal import Journal
from edgekit_runtime.line.settings import LineSettings, choose_scale
from edgekit_runtime.line.strips import FURTHEST_FUTURE_S, Arrival, StripGate
from edgekit_runtime.line.summary import LineSummary
from edgekit_runtime.line.swapping import BundleWatch, SwapDesk, warm_up
from edgekit_runtime.line.tally import Tally
from edgekit_runtime.line.threads import StartThread
from edgekit_runtime.line.waiting import WaitingStrips
from edgekit_runtime.tiling import plan_axis
from edgekit_runtime.web.inspector import WebInspector
from edgekit_runtime.web.parts import PartResult
from edgekit_runtime.web.succession import check_successor
from edgekit_runtime.zones import check_web_zones

POLL_S = 0.05
"""How long the line waits for a strip before it looks whether it was told something else."""

INTAKE_JOIN_S = 1.0
"""A camera that does not return from its call by then is left alone when the line stops."""

OnAnswer = Callable[[PartAnswer], None]


@dataclass(frozen=True)
class Callbacks:
    """Who is told; see `Line`."""

    on_part: OnAnswer | None
    on_late: OnAnswer | None
    on_event: Callable[[str], None] | None


@dataclass(frozen=True)
class Surroundings:
    """Clocks and threads, so that a test decides what time it is and what runs when."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    start_thread: StartThread


@dataclass
class StopFlag:
    """Set from any thread, or a signal's handler: a lock could be held by the very thread that handles it."""

    is_set: bool = False


class Session:
    """Inspects a web to its end. The detector is the session's, which closes it, or the one after it.

    Raises:
        UsageProblem: If the settings do not fit the bundle.
        IoFault: If records or images cannot be written from the start.
    """

    def __init__(
        self,
        detector: Detector,
        settings: LineSettings,
        *,
        callbacks: Callbacks,
        surroundings: Surroundings,
        desk: SwapDesk,
        watched: Path | None,
        stop: StopFlag,
    ) -> None:
        check_web_zones(detector.rules.zones)
        for folder, what in ((settings.records, "records"), (settings.pictures, "images")):
            if folder is not None:
                prepare_folder(Path(folder), detector.bundle.path, what)
        contract = detector.manifest.input
        self._detector, self._settings, self._callbacks = detector, settings, callbacks
        self._digest = detector.bundle.digest
        self._surroundings, self._clock = surroundings, surroundings.clock
        self._desk, self._stop = desk, stop
        self._mm_per_pixel = choose_scale(contract.mm_per_pixel, settings.mm_per_pixel)
        self._part_rows = settings.part_rows or contract.height
        self._captures = CaptureTimes(self._part_rows)
        self._inspector = None if settings.width is None else self._make_inspector(settings.width)
        self._lost_before = 0  # before the width was known
        self._stalled = False
        self._watch = None
        if settings.watch_s is not None and watched is not None:
            self._watch = BundleWatch(watched, every_s=settings.watch_s, clock=self._clock)
        warm_up(detector, self._tiles_at_once)
        self._gate = StripGate(contract, settings.width, settings.strip_rows, settings.most_refused)
        self._waiting = WaitingStrips(settings.room, settings.policy)
        self._journal = Journal(
            settings,
            channels=contract.pixels.channels,
            on_event=callbacks.on_event,
            clock=surroundings.clock,
            now=surroundings.now,
            start_thread=surroundings.start_thread,
        )
        self._tally = Tally(self._clock)

    def run(self, source: Source) -> None:
        """Inspect what the source gives, until it ends, fails or the line is stopped.

        Raises:
            EdgekitError: Why the source ended, where that was no good end; what it gave before is judged.
            FrameError: If strips came, and none of them could be used.
        """
        self._journal.begin(self._detector.bundle)
        intake = Intake(source, self._gate, self._waiting, clock=self._clock, note=self._journal.tell)
        taking = self._surroundings.start_thread(intake.run)
        while not self._waiting.exhausted:
            arrival = self._waiting.take(POLL_S)
            self._tend()
            if arrival is not None:
                self._stalled = False
                self._time(partial(self._inspect, arrival))
            elif not self._waiting.exhausted:
                self._watch_source(intake)
        if self._inspector is None and self._lost_before:
            self._reject_unseen()
        if self._inspector is not None:
            self._time(self._finish)
        if self._stop.is_set:
            taking.join(INTAKE_JOIN_S)
        if self._waiting.error is not None:
            raise self._waiting.error
        if not self._tally.strips and self._gate.last_fault is not None and not self._stop.is_set:
            raise FrameError(
                f"None of the strips that came could be used; the last: {self._gate.last_fault}.",
                remedy="Look at the source and at what the bundle takes (`edgekit verify BUNDLE` shows it).",
            )

    def close(self) -> None:
        """Close what is open, whatever happened."""
        with ExitStack() as last_first:
            last_first.callback(lambda: self._journal.close(self.summarise()))
            last_first.callback(self._journal.pass_on_events)
            last_first.callback(self._detector.close)
            last_first.callback(self._desk.close)
            last_first.callback(self._waiting.close)

    def summarise(self) -> LineSummary:
        """Return what has happened so far."""
        return self._tally.summarise(
            self._gate.counts,
            self._waiting,
            self._journal.keeper,
            mm_per_pixel=self._mm_per_pixel,
            deadline_s=self._settings.deadline_s,
            bundle=self._digest,
        )

    def _tend(self) -> None:
        """Do what was asked for between two strips."""
        if self._stop.is_set:
            self._waiting.close()
        if self._watch is not None and self._watch.has_changed():
            self._desk.ask(self._watch.path)
        outcome = self._desk.poll(tiles=self._tiles_at_once)
        if isinstance(outcome, Detector):
            self._take_over(outcome)
        elif outcome is not None:
            self._refuse_swap(outcome)
        self._journal.pass_on_events()

    def _take_over(self, successor: Detector) -> None:
        try:
            check_successor(
                self._detector,
                successor,
                columns_left_out=bool(self._settings.drop_left or self._settings.drop_right),
            )
        except EdgekitError as error:
            successor.close()
            self._refuse_swap(error)
            return
        if self._inspector is not None:
            self._deliver(self._inspector.swap(successor))
        before, self._detector = self._detector, successor
        self._digest = successor.bundle.digest
        before.close()
        self._tally.swaps += 1
        self._journal.begin(successor.bundle)
        self._journal.tell(f"bundle {self._digest[:12]} has taken over")

    def _refuse_swap(self, error: EdgekitError) -> None:
        self._tally.swaps_refused += 1
        self._journal.tell(f"the new bundle is refused, {self._digest[:12]} goes on: {error.message}")

    def _watch_source(self, intake: Intake) -> None:
        if self._stalled or self._clock() - intake.latest_s < self._settings.stall_s:
            return
        self._stalled = True
        self._tally.stalls += 1
        message = f"the source has given nothing for {self._settings.stall_s:g} s"
        self._journal.tell(message)
        if self._settings.stop_on_stall:
            self._waiting.end(
                IoFault(f"{message[0].upper()}{message[1:]}.", remedy="Look at the camera and its trigger.")
            )

    def _inspect(self, arrival: Arrival) -> None:
        lost_since_s = arrival.captured_s if arrival.lost_since_s is None else arrival.lost_since_s
        self._captures.note(arrival.lost_rows, lost_since_s)
        if arrival.rows is not None:
            self._captures.note(len(arrival.rows), arrival.captured_s)
        self._journal.see(arrival)
        self._tally.add_arrival(arrival)
        if self._inspector is None:
            self._lost_before += arrival.lost_rows
            if arrival.rows is None:
                return
            self._inspector = self._make_inspector(arrival.rows.shape[1])
            lost_rows = self._lost_before
        else:
            lost_rows = arrival.lost_rows
        if lost_rows:
            self._deliver(self._inspector.skip(lost_rows))
        if arrival.rows is not None:
            self._deliver(self._inspector.add(arrival.rows))

    def _reject_unseen(self) -> None:
        """Reject the parts of a web of which no strip could be used. Its width is not known, and nobody needs it."""
        contract = self._detector.manifest.input
        self._inspector = WebInspector(self._detector, contract.width, part_rows=self._part_rows)
        self._deliver(self._inspector.skip(self._lost_before))

    def _finish(self) -> None:
        """Judge what is left. Where the web goes on without its line, its last part was not inspected as a whole."""
        assert self._inspector is not None
        if self._stop.is_set or self._waiting.error is not None:
            rows = self._inspector.rows_to_part_end
            self._tally.add_lost(rows)
            self._deliver(self._inspector.skip(rows))
        self._deliver(self._inspector.finish())

    def _time(self, work: Callable[[], None]) -> None:
        began_s = self._clock()
        work()
        self._tally.busy_s += self._clock() - began_s

    def _deliver(self, parts: Sequence[PartResult]) -> None:
        """Hand out verdicts; a late one is never passed on as one that came in time."""
        assert self._inspector is not None
        self._tally.tiles = self._inspector.tiles
        self._journal.record_defects(self._inspector.defects)
        deadline_s = self._settings.deadline_s
        for part in parts:
            latency_s = self._clock() - self._captures.take(part.y2)
            # Before its capture it can only be by a clock that went back: how old it is nobody knows.
            late = deadline_s is not None and not -FURTHEST_FUTURE_S <= latency_s <= deadline_s
            answer = PartAnswer(part, latency_s * 1e3, late, self._digest, self._inspector.inspected_columns)
            self._tally.add_answer(answer)
            told = self._callbacks.on_late if late else self._callbacks.on_part
            try:
                if told is not None:
                    told(answer)
            finally:
                self._journal.record_answer(answer)

    def _make_inspector(self, width: int) -> WebInspector:
        return WebInspector(
            self._detector,
            width,
            part_rows=self._part_rows,
            columns=choose_columns(
                self._detector.manifest.input, width, self._settings.drop_left, self._settings.drop_right
            ),
            mm_per_pixel=self._mm_per_pixel,
        )

    @property
    def _tiles_at_once(self) -> int:
        return 1 if self._inspector is None else self._inspector.columns_used


def choose_columns(
    contract: InputContract, width: int, drop_left: int, drop_right: int
) -> tuple[int, ...] | None:
    """Return the columns of tiles that are inspected; None for all of them."""
    if not drop_left and not drop_right:
        return None
    count = len(plan_axis(width, contract.width, contract.overlap, contract.multiple))
    return tuple(range(drop_left, count - drop_right))
