"""A web inspected strip by strip: tiles, masks, regions over seams, parts and their verdicts, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit_runtime.bundle import VerdictRules
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.quotas import leave_out_small, make_quotas
from edgekit_runtime.regions import Rows, name_regions
from edgekit_runtime.results import Region
from edgekit_runtime.web.parts import PartJudge, PartResult
from edgekit_runtime.web.regions import WebRegions
from edgekit_runtime.web.succession import Judges, check_successor, have_same_tiles
from edgekit_runtime.web.tiler import Band, Pixels, WebTiler
from edgekit_runtime.zones import blank_zones, check_web_zones

_NO_ROWS: Rows = np.empty((0, 6), np.int64)


class WebInspector:
    """Answers the parts of a web as its strips come.

    A bundle that segments gives regions, which are merged over the seams of tiles and strips. One that classifies gives
    every tile a class: a tile with a defect is one defect, as large as what the tile answers for, and any of them
    rejects its parts. A tile whose probabilities are no numbers was not inspected.

    Args:
        detector: READY. It stays the caller's, who closes it.
        width: Of the web in pixels.
        part_rows: Rows of a part.
        columns: Numbers of the columns of tiles that are used, from 0 at the left; all by default. What lies in the
            others is not inspected.
        mm_per_pixel: For areas and boxes, where the bundle's manifest does not say it.

    Attributes:
        detector: The one that answers.
        tiles: How many were run.
        defects: Regions that count and that the last call has completed, each once, in web coordinates.

    Raises:
        UsageProblem: If a zone of the rules does not go along the web, or the columns or the rows are none; and by each
            method once a call has failed: rows that it has taken were not inspected.
    """

    def __init__(
        self,
        detector: Detector,
        width: int,
        *,
        part_rows: int,
        columns: Sequence[int] | None = None,
        mm_per_pixel: float | None = None,
    ) -> None:
        check_web_zones(detector.rules.zones)
        self.detector = detector
        self._mm_per_pixel = detector.manifest.input.mm_per_pixel or mm_per_pixel
        self.tiles = 0
        self.defects: tuple[Region, ...] = ()
        self._columns = columns
        self._tiler = self._make_tiler(width, first_row=0)
        self._came = 0
        self._regions = WebRegions(width, connectivity=detector.rules.connectivity)
        self._part_rows = part_rows
        self._judges = Judges(self._make_judge, part_rows)
        self._set_quotas()

    @property
    def width(self) -> int:
        """Of the web in pixels."""
        return self._tiler.width

    @property
    def inspected_columns(self) -> tuple[int, int]:
        """The first column of the web that a used tile answers for, and the one after the last."""
        used, axis = self._tiler.used, self._tiler.columns
        return axis.owned(used[0]).start, axis.owned(used[-1]).stop

    @property
    def rows_to_part_end(self) -> int:
        """Rows that the part is short of which the last row belongs to; 0 where a part ends there."""
        return -self._came % self._part_rows

    @property
    def columns_used(self) -> int:
        """Tiles across the web that are run."""
        return len(self._tiler.used)

    def add(self, rows: Pixels) -> tuple[PartResult, ...]:
        """Take the next rows, and return the parts that can be judged now.

        Args:
            rows: uint8 or uint16 (h, W) or (h, W, 3), converted as the bundle's pixels say
                (`pixels.convert_frame`), h at least 1; they may be overwritten afterwards.

        Raises:
            FrameError: If the rows do not continue the web.
        """
        self.defects = ()
        bands = self._tiler.add(rows)
        self._came += len(rows)
        return self._inspect(bands)

    def skip(self, rows: int) -> tuple[PartResult, ...]:
        """Leave out rows that nobody has looked at: each part that they touch is rejected.

        Raises:
            UsageProblem: If the number of rows is negative.
        """
        self.defects = ()
        if not rows:
            return ()
        results = self._inspect(self._tiler.finish())
        self._check_gapless(self._came)
        closed = self._regions.skip(rows)
        self._came += rows
        self._collect(closed)
        self._tiler = self._make_tiler(self.width, first_row=self._came)
        return results + self._judges.skip(closed, self._came)

    def finish(self) -> tuple[PartResult, ...]:
        """End the web, and return the parts that are left; the last one may be shorter."""
        self.defects = ()
        results = self._inspect(self._tiler.finish())
        self._check_gapless(self._came)
        closed = self._regions.finish()
        self._collect(closed)
        return results + self._judges.finish(closed, self._came)

    def swap(self, detector: Detector) -> tuple[PartResult, ...]:
        """Let another detector answer what comes, and return the parts that can be judged now.

        Regions go on across the change. Other rules hold from the first part that begins after it, which looks back no
        further. Tiles of another size begin with the next row.

        Raises:
            UsageProblem: If the bundle means something else (task, classes, pixels, mm per pixel, connectivity), or
                tiles of its size do not let the same columns be left out. Then nothing has changed.
        """
        check_successor(self.detector, detector, columns_left_out=self._columns is not None)
        same_tiles = have_same_tiles(self.detector, detector)
        self.defects = ()
        results: tuple[PartResult, ...] = ()
        if not same_tiles:
            results = self._inspect(self._tiler.finish())
        other_rules = detector.rules != self.detector.rules
        self.detector = detector
        if other_rules:
            self._judges.succeed(self._make_judge, self._came)
            self._set_quotas()
        if not same_tiles:
            self._tiler = self._make_tiler(self.width, first_row=self._came)
        return results

    def _inspect(self, bands: Sequence[Band]) -> tuple[PartResult, ...]:
        look = self._classify if self.detector.manifest.model.task == "classify" else self._segment
        results: tuple[PartResult, ...] = ()
        for band in bands:
            self._check_gapless(band.first_row)
            results += look(band)
            self.tiles += len(band.tiles)
        return results

    def _check_gapless(self, row: int) -> None:
        """Refuse to go on at a row where those above it have not all been inspected, or been said to be left out."""
        if row != self._regions.seen:
            raise UsageProblem(
                f"Rows {self._regions.seen} to {row - 1} of the web were not inspected, because a call failed.",
                remedy="Reject what was not answered, and begin a new web.",
            )

    def _segment(self, band: Band) -> tuple[PartResult, ...]:
        mask = blank_zones(band.join(self.detector.find_masks(band.tiles)), self.detector.rules.zones)
        closed = self._regions.add(mask)
        self._collect(closed)
        return self._judges.add(closed, self._regions.open, self._regions.seen)

    def _classify(self, band: Band) -> tuple[PartResult, ...]:
        answers = self.detector.run_batch(band.tiles)
        classes = self.detector.manifest.model.classes
        y1, y2 = band.first_row, band.first_row + band.rows
        found, blind = [], False
        for column, answer in zip(band.used, answers, strict=True):
            owned = band.columns.owned(column)
            if answer.label is None:
                blind = True
            elif answer.verdict == "reject":
                area = (y2 - y1) * (owned.stop - owned.start)
                found.append((owned.start, y1, owned.stop, y2, area, classes.index(answer.label)))
        closed = np.array(found, np.int64).reshape(-1, 6)
        self._regions.skip(band.rows)  # counts the rows
        self._collect(closed)
        if blind:
            return self._judges.skip(closed, y2)
        return self._judges.add(closed, _NO_ROWS, y2)

    def _collect(self, closed: Rows) -> None:
        if not len(closed):
            return
        named = name_regions(closed, self.detector.manifest.model.classes, mm_per_pixel=self._mm_per_pixel)
        self.defects += leave_out_small(named, self._quotas)

    def _make_tiler(self, width: int, *, first_row: int) -> WebTiler:
        contract = self.detector.manifest.input
        size = (contract.height, contract.width)
        return WebTiler(
            width, size, contract.overlap, contract.multiple, columns=self._columns, first_row=first_row
        )

    def _make_judge(self, first_row: int) -> PartJudge:
        return PartJudge(
            self._rules,
            part_rows=self._part_rows,
            classes=self.detector.manifest.model.classes,
            mm_per_pixel=self._mm_per_pixel,
            first_row=first_row,
        )

    def _set_quotas(self) -> None:
        classes = self.detector.manifest.model.classes
        self._quotas = make_quotas(self._rules, classes, self._mm_per_pixel)

    @property
    def _rules(self) -> VerdictRules:
        """What parts are judged by: areas and numbers of regions say nothing about tiles that have a class."""
        return self.detector.rules if self.detector.manifest.model.task == "segment" else VerdictRules()
