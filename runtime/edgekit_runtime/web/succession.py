"""One bundle after another on the same web: what must be the same, and from where other rules hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.regions import Rows
from edgekit_runtime.web.parts import PartJudge, PartResult
from edgekit_runtime.zones import check_web_zones


def check_successor(old: Detector, new: Detector, *, columns_left_out: bool) -> None:
    """Raise UsageProblem unless the new detector can take over the web, and its answers mean what the old one's do."""
    check_web_zones(new.rules.zones)
    before, after = old.manifest, new.manifest
    compared = {
        "task": (before.model.task, after.model.task),
        "classes": (before.model.classes, after.model.classes),
        "normal class": (before.model.normal_class, after.model.normal_class),
        "pixels": (before.input.pixels, after.input.pixels),
        "mm per pixel": (before.input.mm_per_pixel, after.input.mm_per_pixel),
        "connectivity": (old.rules.connectivity, new.rules.connectivity),
    }
    for what, (was, would_be) in compared.items():
        if was != would_be:
            raise UsageProblem(
                f"The bundle has other {what} than the one that runs: {would_be}, not {was}.",
                remedy="Begin the line anew with it.",
            )
    if columns_left_out and not have_same_tiles(old, new):
        tiles, others = before.input, after.input
        raise UsageProblem(
            f"Columns of tiles are left out, and the bundle has tiles of {others.height}x{others.width} with an "
            f"overlap of {others.overlap} px in place of {tiles.height}x{tiles.width} with {tiles.overlap}.",
            remedy="Export the bundle for the same tiles, or begin the line anew with it.",
        )


def have_same_tiles(old: Detector, new: Detector) -> bool:
    """Return whether both cut a web in the same way."""
    before, after = (
        (contract.height, contract.width, contract.overlap, contract.multiple)
        for contract in (old.manifest.input, new.manifest.input)
    )
    return before == after


@dataclass
class _Term:
    """Who judges the parts of a web from row `begin` to row `end` (None: for good)."""

    judge: PartJudge
    begin: int
    end: int | None = None
    answered: int = 0
    held: tuple[PartResult, ...] = ()
    """Parts that wait for one of the term before."""

    def cap(self, seen: int) -> int:
        """Return how far the judge may take the web for seen."""
        return seen if self.end is None else min(seen, self.end)


class Judges:
    """The judge of a web's parts, and until their last part is answered those before: each by its own rules.

    Arguments of `add`, `skip` and `finish` are those of `PartJudge`. Parts come in their order.

    Args:
        make: Makes the judge of the parts that begin at a row or below it.
        part_rows: Rows of a part.
    """

    def __init__(self, make: Callable[[int], PartJudge], part_rows: int) -> None:
        self._part_rows = part_rows
        self._terms = [_Term(make(0), 0)]
        self._gap_end: int | None = None

    def succeed(self, make: Callable[[int], PartJudge], came: int) -> None:
        """Let another judge judge the parts that begin at row `came` or below it."""
        begin = -(-came // self._part_rows) * self._part_rows
        if self._terms[-1].begin == begin:
            self._terms.pop()  # it has not begun
        else:
            self._terms[-1].end = begin
        judge = make(begin)
        if self._gap_end is not None:
            judge.note_gap(self._gap_end)
        self._terms.append(_Term(judge, begin))

    def add(self, closed: Rows, opened: Rows, seen: int) -> tuple[PartResult, ...]:
        """Return the parts that can be judged now."""
        return self._ask(seen, lambda term: term.judge.add(closed, opened, term.cap(seen)))

    def skip(self, closed: Rows, seen: int) -> tuple[PartResult, ...]:
        """Return the parts that can be judged now that rows have passed which nobody looked at."""
        self._gap_end = seen
        results = self._ask(seen, lambda term: term.judge.skip(closed, term.cap(seen)))
        for term in self._terms:
            term.judge.note_gap(seen)  # those, too, whose first part is still to come
        return results

    def finish(self, closed: Rows, seen: int) -> tuple[PartResult, ...]:
        """Return the parts that are left, the last of which may be shorter."""
        return self._ask(seen, lambda term: term.judge.finish(closed))

    def _ask(self, seen: int, ask: Callable[[_Term], tuple[PartResult, ...]]) -> tuple[PartResult, ...]:
        for term in self._terms:
            if seen > term.begin or not term.begin:
                term.held += ask(term)
        results: tuple[PartResult, ...] = ()
        while True:
            term = self._terms[0]
            results += term.held
            term.answered += len(term.held)
            term.held = ()
            if term.end is None or term.begin + term.answered * self._part_rows < term.end:
                return results
            self._terms.pop(0)
