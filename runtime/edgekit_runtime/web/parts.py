"""Parts of an endless web: consecutive lengths of it, each accepted or rejected by the regions that touch it.

A part is judged as early as it can be, and never accepted too early. Its regions that are complete are known. One that
is open, because it touches the last row that came, counts as soon as it is large enough, which it stays. One that is
open and still too small may yet grow: a part that would be rejected if it did waits. It does not wait long: a region
that is open has a pixel in each row that comes, so that after as many rows as the least area has pixels it is complete
or large enough.

Regions that are open may also become one. That only lowers how many there are: where a rule allows some, a part may be
rejected for a number that would have become smaller; it is never accepted for one that was too small. A region that
meets rows which nobody looked at counts, however small it is: how large it really is, nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.bundle import VerdictRules
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.quotas import Quota, make_quotas
from edgekit_runtime.regions import Rows, name_regions
from edgekit_runtime.result_building import check_classes
from edgekit_runtime.results import Region, Verdict
from edgekit_runtime.verdicts import judge_groups

_NO_ROWS: Rows = np.empty((0, 6), np.int64)
_Y1, _Y2, _AREA, _CLASS = 1, 3, 4, 5


@dataclass(frozen=True)
class PartResult:
    """The verdict on one part of a web.

    Attributes:
        number: Of the part, from 1.
        y1: Its first row, counted from the first row of the web.
        y2: The row after its last one.
        verdict: "reject" when it has more defects than the rules allow, or was not inspected as a whole.
        reason: The verdict in words.
        label: Class of its largest region; None without one.
        regions: Those that count and touch the part, in the web's coordinates, ordered by (y1, x1, y2, x2, area).
            One that goes on below is given as far as it had been seen, and again with each further part.
    """

    number: int
    y1: int
    y2: int
    verdict: Verdict
    reason: str
    label: str | None = None
    regions: tuple[Region, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {
            "number": self.number,
            "y1": self.y1,
            "y2": self.y2,
            "verdict": self.verdict,
            "reason": self.reason,
            "label": self.label,
            "regions": [region.to_dict() for region in self.regions],
        }


class PartJudge:
    """Judges the parts of a web from its regions, band by band, in order.

    What it keeps are the regions that count and reach into a part that is not judged yet, or into the length of web
    that its rules look back on, however long the web is.

    Args:
        rules: When a part is rejected. Zones are no concern here: they are blanked in the masks.
        part_rows: Rows of a part.
        classes: Names by class number; number 0 is the background.
        mm_per_pixel: None where the scale is not known.
        first_row: Where its first part begins, a multiple of `part_rows`: what lies above is another's to judge.

    Raises:
        UsageProblem: If parts have no rows, the first row is not that of a part, or a rule is in millimetres and the
            scale is not known.
    """

    def __init__(
        self,
        rules: VerdictRules,
        *,
        part_rows: int,
        classes: Sequence[str],
        mm_per_pixel: float | None = None,
        first_row: int = 0,
    ) -> None:
        if part_rows < 1:
            raise UsageProblem(
                f"A part must have at least 1 row, got {part_rows}.",
                remedy="Give the length of a part in rows.",
            )
        if first_row % part_rows:
            raise UsageProblem(f"Parts of {part_rows} rows do not begin at row {first_row}.")
        quotas = make_quotas(rules, classes, mm_per_pixel)
        self._classes = tuple(classes)
        self._mm_per_pixel = mm_per_pixel
        self._part_rows = part_rows
        self._least = np.array([quotas[label].least_px for label in classes], np.int64)
        self._members = {
            quota: np.array([quotas[label] is quota for label in classes]) for quota in quotas.values()
        }
        self._look_back = np.array([quotas[label].window_px for label in classes], np.int64)
        self._counted = _NO_ROWS
        self._skipped: list[tuple[int, int]] = []
        self._judged = first_row // part_rows
        self._seen = first_row
        self._gap_end: int | None = None
        """Row after the last ones that nobody looked at."""

    def add(self, closed: Rows, opened: Rows, seen: int) -> tuple[PartResult, ...]:
        """Return the parts that can be judged now.

        Args:
            closed: What `WebRegions.add` gave for the rows that came.
            opened: `WebRegions.open` after them.
            seen: `WebRegions.seen` after them.

        Raises:
            ArtefactRefused: If a region is of a class without a name.
            UsageProblem: If fewer rows have come than before.
        """
        self._take(closed, opened, seen)
        large = self._count(opened)
        rows = np.concatenate([self._counted, opened[large]])
        results = []
        while (y2 := (self._judged + 1) * self._part_rows) <= seen:
            result = self._judge(y2, rows, opened[~large])
            if result is None:
                break
            results.append(result)
        self._forget()
        return tuple(results)

    def skip(self, closed: Rows, seen: int) -> tuple[PartResult, ...]:
        """Return the parts that can be judged now that rows have passed which nobody looked at.

        Each part that they touch is rejected. What was open counts, as far as it was seen, however small it is.

        Args:
            closed: What `WebRegions.skip` gave: all that was open.
            seen: `WebRegions.seen` after it.

        Raises:
            ArtefactRefused: As `add`.
            UsageProblem: As `add`.
        """
        if seen == self._seen and not len(closed):
            return ()  # no row has passed: what is open still is
        check_classes(closed, self._classes)
        self._counted = np.concatenate([self._counted, closed])
        if seen > self._seen:
            begin = (
                self._skipped.pop()[0] if self._skipped and self._skipped[-1][1] == self._seen else self._seen
            )
            self._skipped.append((begin, seen))
            self.note_gap(seen)
        return self.add(_NO_ROWS, _NO_ROWS, seen)

    def note_gap(self, end: int) -> None:
        """Say that nobody looked at the rows above row `end`: a region that begins there counts, however small."""
        self._gap_end = end

    def finish(self, closed: Rows) -> tuple[PartResult, ...]:
        """Return the parts that are left, the last of which may be shorter.

        Args:
            closed: What `WebRegions.finish` gave.
        """
        results = self.add(closed, _NO_ROWS, self._seen)
        if self._judged * self._part_rows == self._seen:
            return results
        last = self._judge(self._seen, self._counted, _NO_ROWS)
        assert last is not None  # nothing is open that could grow
        return (*results, last)

    def _take(self, closed: Rows, opened: Rows, seen: int) -> None:
        if seen < self._seen:
            raise UsageProblem(f"{seen} rows have been seen, after {self._seen}; a web does not go back.")
        for rows in (closed, opened):
            check_classes(rows, self._classes)
        self._counted = np.concatenate([self._counted, closed[self._count(closed)]])
        self._seen = seen

    def _count(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return which regions count: they are large enough, or the rows above them were not looked at."""
        large: npt.NDArray[np.bool_] = rows[:, _AREA] >= self._least[rows[:, _CLASS]]
        return large if self._gap_end is None else large | (rows[:, _Y1] == self._gap_end)

    def _judge(self, y2: int, rows: Rows, growing: Rows) -> PartResult | None:
        """Return the result of the next part; None while regions that are growing could make it a rejection."""
        y1 = self._judged * self._part_rows
        rows, growing = (self._choose(of, y1, y2) for of in (rows, growing))
        rows = rows[np.lexsort(rows.T[[5, 4, 2, 3, 0, 1]])]
        named = name_regions(rows, self._classes, mm_per_pixel=self._mm_per_pixel)
        groups: dict[Quota, tuple[Region, ...]] = {}
        undecided = False
        for quota, members in self._members.items():
            groups[quota] = _select(named, members[rows[:, _CLASS]])
            pending = int(np.count_nonzero(members[growing[:, _CLASS]]))
            undecided = undecided or len(groups[quota]) + pending > quota.max_regions
        own = _select(named, rows[:, _Y2] > y1)
        verdict, reason, label = judge_groups(groups, own)
        cut_off = int(np.count_nonzero(rows[:, _AREA] < self._least[rows[:, _CLASS]]))
        if verdict == "reject" and cut_off:
            reason += _describe_cut_off(cut_off, len(rows))
        unseen = _describe_rows(
            [(max(begin, y1), min(end, y2)) for begin, end in self._skipped if begin < y2 and end > y1]
        )
        if unseen:
            verdict, reason = "reject", f"{reason}; {unseen}" if verdict == "reject" else unseen
        if verdict == "accept" and undecided:
            return None
        self._judged += 1
        return PartResult(self._judged, y1, y2, verdict, reason, label, own)

    def _choose(self, rows: Rows, y1: int, y2: int) -> Rows:
        """Return the regions that a part, or the length of web that their rule looks back on, has a row of.

        Regions are connected: they have a pixel in each row of their boxes.
        """
        begin = np.minimum(y1, y2 - self._look_back[rows[:, _CLASS]])
        return rows[(rows[:, _Y1] < y2) & (rows[:, _Y2] > begin)]

    def _forget(self) -> None:
        """Drop what no part to come can touch or look back on."""
        y1 = self._judged * self._part_rows
        rows = self._counted
        # The last part may be as short as a row.
        begin = np.minimum(y1, y1 + 1 - self._look_back[rows[:, _CLASS]])
        self._counted = rows[rows[:, _Y2] > begin]
        self._skipped = [span for span in self._skipped if span[1] > y1]


def _select(regions: Sequence[Region], chosen: npt.NDArray[np.bool_]) -> tuple[Region, ...]:
    return tuple(regions[place] for place in np.flatnonzero(chosen).tolist())


def _describe_cut_off(small: int, regions: int) -> str:
    """Say why regions count that are smaller than those that do."""
    if small == regions == 1:
        return ", cut off by rows that were not inspected"
    which = "all" if small == regions else f"{small} of them"
    return f"; {which} small, but cut off by rows that were not inspected"


def _describe_rows(spans: Sequence[tuple[int, int]]) -> str:
    """Say which rows were not inspected; empty where all were."""
    if not spans:
        return ""
    (y1, y2), *others = spans
    more = sum(end - begin for begin, end in others)
    if y2 - y1 == 1 and not more:
        return f"row {y1} was not inspected"
    first = f"row {y1}" if y2 - y1 == 1 else f"rows {y1} to {y2 - 1}"
    return f"{first}{f' and {more} more' if more else ''} were not inspected"
