"""Counting what happens on a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgekit_runtime.line.answers import PartAnswer
from edgekit_runtime.line.keeping import Keeper
from edgekit_runtime.line.latencies import LatencyCounts
from edgekit_runtime.line.strips import Arrival, StripCounts
from edgekit_runtime.line.summary import LineSummary, measure_speed, read_memory_mb
from edgekit_runtime.line.waiting import WaitingStrips


@dataclass
class Tally:
    """The counts of the thread that inspects; those of others are read when a summary is made."""

    clock: Callable[[], float]
    began_s: float = 0.0
    busy_s: float = 0.0
    strips: int = 0
    rows: int = 0
    lost_rows: int = 0
    tiles: int = 0
    parts: int = 0
    rejected: int = 0
    late: int = 0
    stalls: int = 0
    swaps: int = 0
    swaps_refused: int = 0
    latencies: LatencyCounts = field(default_factory=LatencyCounts)

    def __post_init__(self) -> None:
        self.began_s = self.clock()

    def add_arrival(self, arrival: Arrival) -> None:
        """Count a strip that was inspected, and the rows that were not."""
        self.strips += arrival.rows is not None
        self.rows += arrival.height
        self.lost_rows += arrival.lost_rows

    def add_lost(self, rows: int) -> None:
        """Count rows of web that will not come."""
        self.rows += rows
        self.lost_rows += rows

    def add_answer(self, answer: PartAnswer) -> None:
        """Count an answer."""
        self.parts += 1
        self.rejected += answer.part.verdict == "reject"
        self.late += answer.late
        self.latencies.add(answer.latency_ms)

    def summarise(
        self,
        strips: StripCounts,
        waiting: WaitingStrips,
        keeper: Keeper | None,
        *,
        mm_per_pixel: float | None,
        deadline_s: float | None,
        bundle: str,
    ) -> LineSummary:
        """Return all counts, and what follows from them."""
        counted = self.latencies
        return LineSummary(
            strips=self.strips,
            rows=self.rows,
            metres=None if mm_per_pixel is None else self.rows * mm_per_pixel / 1000.0,
            tiles=self.tiles,
            tiles_per_strip=self.tiles / self.strips if self.strips else None,
            parts=self.parts,
            rejected=self.rejected,
            late=self.late,
            deadline_ms=None if deadline_s is None else deadline_s * 1e3,
            dropped=waiting.dropped,
            overruns=waiting.overruns,
            refused=strips.refused,
            repeated=strips.repeated,
            missing=strips.missing,
            restarts=strips.restarts,
            short=strips.short,
            stalls=self.stalls,
            lost_rows=self.lost_rows,
            swaps=self.swaps,
            swaps_refused=self.swaps_refused,
            lost_records=0 if keeper is None else keeper.lost_records,
            lost_pictures=0 if keeper is None else keeper.lost_pictures,
            wall_s=self.clock() - self.began_s,
            busy_s=self.busy_s,
            tiles_per_s=self.tiles / self.busy_s if self.busy_s else None,
            greatest_speed_m_per_min=measure_speed(self.rows - self.lost_rows, self.busy_s, mm_per_pixel),
            latency_p50_ms=counted.percentile(0.5),
            latency_p99_ms=counted.percentile(0.99),
            latency_max_ms=counted.max_ms if counted.count else None,
            memory_mb=read_memory_mb(),
            bundle=bundle,
        )
