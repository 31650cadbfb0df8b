"""An endless web of cloth with defects whose truth is known to the pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric.broken_yarn import BrokenYarn
from edgekit.data.fabric.camera import BAND, MARGIN, Camera
from edgekit.data.fabric.cloth import Cloth
from edgekit.data.fabric.end_out import LONGEST, EndOut
from edgekit.data.fabric.hole import Hole
from edgekit.data.fabric.marks import Mark, Stamp
from edgekit.data.fabric.placing import Scatter
from edgekit.data.fabric.positional import Stream
from edgekit.data.fabric.slub import HEIGHT, Slub
from edgekit.data.fabric.stain import Stain
from edgekit.data.fabric.weaves import WEAVES
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]

GENERATOR_VERSION = 1
"""Raised whenever the same arguments give other pixels; data sets record it."""

KINDS: Mapping[str, type[Mark]] = MappingProxyType(
    {"hole": Hole, "stain": Stain, "broken-yarn": BrokenYarn, "end-out": EndOut}
)
"""The kinds of defect. Their values in a mask are 1, 2, 3 and 4, in this order."""

MIN_SIDE = 64
"""Below this side a defect has no room."""

PAPER_MM_PER_PIXEL = 162.5 / 512
"""DI-Net's line: 0.1625 m of cloth per strip of 512 rows, 0.317 mm per pixel."""

_SLUBS_PER_PIXEL = 1.0 / 110_000


@dataclass(frozen=True)
class TrueDefect:
    """A defect of the web, all of it.

    Attributes:
        label: One of `KINDS`.
        x1, y1, x2, y2: The smallest box that holds it, half-open, in pixels of the web.
        area_px: Its pixels.
    """

    label: str
    x1: int
    y1: int
    x2: int
    y2: int
    area_px: int


class FabricWeb:
    """Cloth without end. Every pixel is a function of the arguments and its place: strips may be cut anywhere.

    What it holds in memory does not grow. One thread at a time may read.

    Args:
        width: Pixels across.
        seed: Another seed gives another cloth.
        defects_per_metre: Mean number of defects that begin per metre of web. Where two would meet, one is left out.
        mm_per_pixel: Length of a row; the paper's line by default.
        weave: One of `WEAVES`; None lets the seed choose.
        kinds: Which of `KINDS` occur, equally often.
        defects: Further defects, for pictures of one thing; none of them may meet another.

    Raises:
        UsageProblem: If a value is out of range, or a name is unknown.
    """

    def __init__(
        self,
        width: int,
        *,
        seed: int = 0,
        defects_per_metre: float = 0.5,
        mm_per_pixel: float = PAPER_MM_PER_PIXEL,
        weave: str | None = None,
        kinds: Sequence[str] = tuple(KINDS),
        defects: Sequence[Mark] = (),
    ) -> None:
        _check_web(width, seed, defects_per_metre, mm_per_pixel)
        _check_names(weave, kinds)
        self.width, self.seed, self.mm_per_pixel = width, seed, mm_per_pixel
        self.cloth = Cloth(width, seed=seed, weave=weave)
        self._camera = Camera(width, seed=seed)
        self._own = tuple(defects)
        self._defects = Scatter(
            [KINDS[kind] for kind in kinds],
            per_row=defects_per_metre * mm_per_pixel / 1000.0,
            longest=LONGEST,
            apart=True,
            width=width,
            seed=seed,
            stream=Stream.DEFECTS,
        )
        self._slubs = Scatter(
            [Slub],
            per_row=_SLUBS_PER_PIXEL * width,
            longest=2 * HEIGHT,
            apart=False,
            width=width,
            seed=seed,
            stream=Stream.SLUBS,
        )
        self._band = lru_cache(maxsize=2)(self._render_band)
        self._stamp = lru_cache(maxsize=32)(self._draw_stamp)

    def rows(self, y1: int, y2: int) -> tuple[Image, Mask]:
        """Return rows y1..y2 of the web.

        Returns:
            The picture and the truth, both uint8 (y2 - y1, W): 0 is cloth, k the k-th of `KINDS`.

        Raises:
            UsageProblem: If these are no rows of the web.
        """
        _check_rows(y1, y2)
        image = np.empty((y2 - y1, self.width), np.uint8)
        mask = np.empty_like(image)
        for number in range(y1 // BAND, -(-y2 // BAND)):
            start = number * BAND
            first, last = max(y1, start), min(y2, start + BAND)
            seen, true = self._band(number)
            image[first - y1 : last - y1] = seen[first - start : last - start]
            mask[first - y1 : last - y1] = true[first - start : last - start]
        return image, mask

    def truths(self, y1: int, y2: int) -> tuple[TrueDefect, ...]:
        """Return the defects that lie, wholly or in part, in rows y1..y2; by where they begin.

        Raises:
            UsageProblem: If these are no rows of the web.
        """
        _check_rows(y1, y2)
        found = (_measure(mark, self._stamp(mark)) for mark in self._find_defects(y1, y2))
        there = [true for true in found if true.y1 < y2 and true.y2 > y1]
        return tuple(sorted(there, key=lambda true: (true.y1, true.x1)))

    def _render_band(self, number: int) -> tuple[Image, Mask]:
        y1, y2 = number * BAND - MARGIN, (number + 1) * BAND + MARGIN
        sheet = self.cloth.reflect(y1, y2)
        mask = np.zeros((BAND, self.width), np.uint8)
        for slub in self._slubs.marks(y1, y2):
            slub.draw(self.cloth).press(sheet, y1)
        for defect in self._find_defects(y1, y2):
            stamp = self._stamp(defect)
            stamp.press(sheet, y1)
            stamp.mark(mask, y1 + MARGIN, _value_of(defect))
        return self._camera.expose(sheet, number), mask

    def _find_defects(self, y1: int, y2: int) -> list[Mark]:
        own = [mark for mark in self._own if mark.place.y1 < y2 and mark.place.y2 > y1]
        return own + self._defects.marks(y1, y2)

    def _draw_stamp(self, mark: Mark) -> Stamp:
        return mark.draw(self.cloth)


def _value_of(mark: Mark) -> int:
    """Return the value of a defect's kind in masks."""
    return 1 + list(KINDS.values()).index(type(mark))


def _measure(mark: Mark, stamp: Stamp) -> TrueDefect:
    rows, columns = np.flatnonzero(stamp.inside.any(axis=1)), np.flatnonzero(stamp.inside.any(axis=0))
    place = stamp.place
    return TrueDefect(
        label=list(KINDS)[_value_of(mark) - 1],
        x1=place.x1 + int(columns[0]),
        y1=place.y1 + int(rows[0]),
        x2=place.x1 + int(columns[-1]) + 1,
        y2=place.y1 + int(rows[-1]) + 1,
        area_px=int(stamp.inside.sum()),
    )


def _check_web(width: int, seed: int, defects_per_metre: float, mm_per_pixel: float) -> None:
    if width < MIN_SIDE:
        raise UsageProblem(f"A web is at least {MIN_SIDE} pixels wide; got {width}.")
    if seed < 0:
        raise UsageProblem(f"A seed is 0 or more; got {seed}.")
    if not (0.0 <= defects_per_metre < 1000.0 and 0.0 < mm_per_pixel < 100.0):
        raise UsageProblem(
            "A web has 0 to 1,000 defects per metre and up to 100 mm per pixel; "
            f"got {defects_per_metre} and {mm_per_pixel}."
        )


def _check_names(weave: str | None, kinds: Sequence[str]) -> None:
    if weave is not None and weave not in WEAVES:
        raise UsageProblem(f"There is no weave {weave!r}.", remedy=suggest(weave, WEAVES))
    for kind in kinds:
        if kind not in KINDS:
            raise UsageProblem(f"Cloth has no defect {kind!r}.", remedy=suggest(kind, KINDS))


def _check_rows(y1: int, y2: int) -> None:
    if not 0 <= y1 <= y2:
        raise UsageProblem(f"Rows of a web are y1..y2 with 0 <= y1 <= y2; got {y1}..{y2}.")
