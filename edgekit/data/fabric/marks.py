"""What is painted onto plain cloth: a mark knows its place, and how it changes what the cloth reflects there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric.cloth import Cloth, Levels, Threads
from edgekit.data.fabric.crossings import Field
from edgekit.data.fabric.positional import Positional, Stream

Inside = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """A half-open box of web coordinates in pixels: columns x1..x2, rows y1..y2."""

    x1: int
    y1: int
    x2: int
    y2: int

    def meets(self, other: Place, *, gap: int = 0) -> bool:
        """Return whether two boxes share a pixel, or are less than `gap` pixels apart."""
        return (
            self.x1 < other.x2 + gap
            and other.x1 < self.x2 + gap
            and self.y1 < other.y2 + gap
            and other.y1 < self.y2 + gap
        )

    def move_between_columns(self, width: int) -> Place:
        """Return the place moved sideways to lie in columns 0..width."""
        right = max(0, -self.x1) - max(0, self.x2 - width)
        return Place(self.x1 + right, self.y1, self.x2 + right, self.y2)

    def move_between_rows(self, y1: int, y2: int) -> Place:
        """Return the place moved along the web to lie in rows y1..y2."""
        down = max(0, y1 - self.y1) - max(0, self.y2 - y2)
        return Place(self.x1, self.y1 + down, self.x2, self.y2 + down)

    def move_down_to(self, y1: int) -> Place:
        """Return the place moved along the web not to begin before row y1."""
        down = max(0, y1 - self.y1)
        return Place(self.x1, self.y1 + down, self.x2, self.y2 + down)


@dataclass(frozen=True, eq=False)
class Stamp:
    """A mark, drawn: levels become `levels · keep + add` where it is.

    Attributes:
        place: Where the arrays lie.
        keep, add: float32 (h, w); `add` in grey levels.
        inside: bool (h, w): the pixels that count as the defect.
    """

    place: Place
    keep: Field
    add: Field
    inside: Inside

    def press(self, sheet: Levels, y1: int) -> None:
        """Change the rows of `sheet` (h, W), whose first is row `y1` of the web, in place."""
        theirs, own = self._share_rows(y1, sheet.shape[0])
        window = sheet[theirs, self.place.x1 : self.place.x2]
        changed = window * self.keep[own] + self.add[own]
        window[...] = np.rint(np.clip(changed, 0.0, 255.0)).astype(np.uint16)

    def mark(self, mask: npt.NDArray[np.uint8], y1: int, value: int) -> None:
        """Write `value` into the rows of `mask` (h, W) from row `y1` of the web on, where the defect is."""
        theirs, own = self._share_rows(y1, mask.shape[0])
        mask[theirs, self.place.x1 : self.place.x2][self.inside[own]] = value

    def _share_rows(self, y1: int, height: int) -> tuple[slice, slice]:
        """Return the rows that the stamp shares with rows y1..y1 + height: counted from y1, and in the stamp."""
        first = max(self.place.y1, y1)
        last = max(first, min(self.place.y2, y1 + height))
        return slice(first - y1, last - y1), slice(first - self.place.y1, last - self.place.y1)


@dataclass(frozen=True)
class Mark(ABC):
    """One thing on the cloth.

    Attributes:
        place: Holds all of it; the drawn shape may be a little smaller.
        seed, number: Decide its shape.
    """

    place: Place
    seed: int
    number: int

    @staticmethod
    @abstractmethod
    def find_place(rng: np.random.Generator, y: int, x: int, room: int) -> Place:
        """Return the place of a new mark of this kind around (y, x); no side that it may choose exceeds `room`."""

    @abstractmethod
    def draw(self, cloth: Cloth) -> Stamp:
        """Return the mark as it looks on this cloth."""

    def generator(self) -> np.random.Generator:
        """Return the generator of this mark's shape."""
        return Positional(self.seed, Stream.SHAPES).generator(self.number)

    def grid(self) -> tuple[Field, Field]:
        """Return (y, x) of the pixels from the middle of the place, (h, 1) and (1, w)."""
        place = self.place
        y = np.arange(place.y1, place.y2, dtype=np.float32)[:, None] + np.float32(0.5)
        x = np.arange(place.x1, place.x2, dtype=np.float32)[None, :] + np.float32(0.5)
        return y - np.float32(0.5 * (place.y1 + place.y2)), x - np.float32(0.5 * (place.x1 + place.x2))

    def find_threads(self, cloth: Cloth) -> Threads:
        """Return the yarns that cross at the pixels of the place."""
        return cloth.threads(self.place.y1, self.place.y2, self.place.x1, self.place.x2)
