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
from edgekit_runtime.web.succession import Judges, check_successor
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

    Attributes:
        detector: The one that answers.
        tiles: How many were run.
        defects: Regions that count and that the last call has completed, each once, in web coordinates.

    Raises:
        UsageProblem: If a zone of the rules does not go along the web, or the columns or the rows are none.
    """

    def __init__(
        self, detector: Detector, width: int, *, part_rows: int, columns: Sequence[int] | None = None
    ) -> None:
        check_web_zones(detector.rules.zones)
        self.detector = detector
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
        results = self._inspect(self._tiler.finish())
        closed = self._regions.skip(rows)
        self._came += rows
        self._collect(closed)
        self._tiler = self._make_tiler(self.width, first_row=self._came)
        return results + self._judges.skip(closed, self._came)

    def finish(self) -> tuple[PartResult, ...]:
        """End the web, and return the parts that are left; the last one may be shorter."""
        self.defects = ()
        results = self._inspect(self._tiler.finish())
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
        check_successor(self.detector, detector)
        check_web_zones(detector.rules.zones)
        old, new = self.detector.manifest.input, detector.manifest.input
        same_tiles = (old.height, old.width, old.overlap, old.multiple) == (
            new.height,
            new.width,
            new.overlap,
            new.multiple,
        )
        if not same_tiles and self._columns is not None:
            raise UsageProblem(
                f"Columns of tiles are left out, and the bundle has tiles of {new.height}x{new.width} with an overlap "
                f"of {new.overlap} px in place of {old.height}x{old.width} with {old.overlap}.",
                remedy="Export the bundle for the same tiles, or begin the line anew with it.",
            )
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
            results += look(band)
            self.tiles += len(band.tiles)
        return results

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
        manifest = self.detector.manifest
        named = name_regions(closed, manifest.model.classes, mm_per_pixel=manifest.input.mm_per_pixel)
        self.defects += leave_out_small(named, self._quotas)

    def _make_tiler(self, width: int, *, first_row: int) -> WebTiler:
        contract = self.detector.manifest.input
        size = (contract.height, contract.width)
        return WebTiler(
            width, size, contract.overlap, contract.multiple, columns=self._columns, first_row=first_row
        )

    def _make_judge(self, first_row: int) -> PartJudge:
        manifest = self.detector.manifest
        return PartJudge(
            self._rules,
            part_rows=self._part_rows,
            classes=manifest.model.classes,
            mm_per_pixel=manifest.input.mm_per_pixel,
            first_row=first_row,
        )

    def _set_quotas(self) -> None:
        manifest = self.detector.manifest
        self._quotas = make_quotas(self._rules, manifest.model.classes, manifest.input.mm_per_pixel)

    @property
    def _rules(self) -> VerdictRules:
        """What parts are judged by: areas and numbers of regions say nothing about tiles that have a class."""
        return self.detector.rules if self.detector.manifest.model.task == "segment" else VerdictRules()
