"""Defect-free cloth without end: what each pixel reflects, in grey levels under the mean light.

A warp end runs along the whole web, so one line of pixels across the web looks the same wherever the weft stands
alike. All lines that can occur are drawn once (`_LINES` per pick of the weave's repeat) and a row of the web is a
copy of one of them, times the thickness of its pick: a few operations on integers per pixel, and no trigonometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric.crossings import Field, shade_alone, shade_warp, shade_weft
from edgekit.data.fabric.positional import Positional, Stream, Whole
from edgekit.data.fabric.weaves import WEAVES

Levels = npt.NDArray[np.uint16]
"""Grey levels 0..255, in 16 bits for what is done with them next."""

BLOCK = 32
"""Columns that the weft's skew shifts together; a block's neighbour is at most a quarter of a pixel off."""

FINE = 64
"""Yarns' borders are whole multiples of 1/64 px, so that places do not lose digits far down the web."""

_LINES = 24
_QUARTERS = 4
_ONE = 128  # what stands for 1.0 in the weft's thickness
_POOL = 1 << 16
_WHITE = np.uint16(255)


@dataclass(frozen=True, eq=False)
class Threads:
    """Which yarns cross at each pixel of a window, and where across them it lies.

    Attributes:
        pick, end: Numbers of the weft and the warp yarn, int64 (h, w) and (1, w).
        v, u: Places across them, 0..1, float32 (h, w) and (1, w).
    """

    pick: Whole
    v: Field
    end: Whole
    u: Field


class Cloth:
    """The cloth of one seed.

    Args:
        width: Pixels across.
        seed: Decides yarns, tones, skew and, unless it is given, the weave.
        weave: A name in `WEAVES`; None lets the seed choose.
    """

    def __init__(self, width: int, *, seed: int, weave: str | None = None) -> None:
        self.width = width
        rng = Positional(seed, Stream.CLOTH).generator()
        chosen = tuple(WEAVES)[int(rng.integers(len(WEAVES)))]
        self.weave = weave or chosen
        self._weave = WEAVES[self.weave]
        self._blocks = -(-width // BLOCK)
        self.end_pitch, self.pick_pitch = (int(FINE * pitch) for pitch in rng.uniform(4.6, 7.6, 2))
        self.warp_tone, self.weft_tone = rng.uniform(125.0, 190.0, 2)
        self._skew = _draw_skew(rng, self._blocks)
        self._ends = Positional(seed, Stream.ENDS)
        self._picks = Positional(seed, Stream.PICKS)
        self._jitter = Positional(seed, Stream.PICK_JITTER)
        self._windows = Positional(seed, Stream.PICK_WINDOWS)
        self._end, self._u = self._lay_ends()
        self._warp_lines, self._weft_lines = self._draw_lines()
        self._thickness = _draw_thickness(rng)

    @property
    def pitch_px(self) -> tuple[float, float]:
        """Mean distance of picks and of ends."""
        return self.pick_pitch / FINE, self.end_pitch / FINE

    def reflect(self, y1: int, y2: int) -> Levels:
        """Return the grey levels of rows y1..y2 (h, W)."""
        quarters, place = self._find_quarters(y1, y2)
        pick, v = self._find_picks(quarters)
        line = (pick % self._weave.shape[0]) * _LINES + (v * _LINES).astype(np.int64)
        first = int(pick[0])
        thick = self._thicken(np.arange(first, int(pick[-1]) + 1))
        block = np.arange(self._blocks)
        levels = self._weft_lines[line[place], block]
        levels *= thick[(pick - first)[place], block]
        levels >>= np.uint16(7)
        levels += self._warp_lines[line[place], block]
        np.minimum(levels, _WHITE, out=levels)
        sheet: Levels = levels.reshape(y2 - y1, -1)[:, : self.width]
        return sheet

    def threads(self, y1: int, y2: int, x1: int, x2: int) -> Threads:
        """Return the yarns that cross at the pixels of a window."""
        quarters, place = self._find_quarters(y1, y2)
        pick, v = self._find_picks(quarters)
        column = place[:, np.arange(x1, x2) // BLOCK]
        return Threads(pick[column], v[column], self._end[x1:x2][None, :], self._u[x1:x2][None, :])

    def warp_alone(self, threads: Threads) -> Field:
        """Return the levels of a window in which no weft covers the warp."""
        return shade_alone(threads.u) * self._warp_levels(threads.end)

    def weft_alone(self, threads: Threads) -> Field:
        """Return the levels of a window in which no warp covers the weft."""
        return shade_alone(threads.v) * np.float32(self.weft_tone)

    def _lay_ends(self) -> tuple[Whole, Field]:
        """Return the end under each column (W,), and the place across it."""
        centres = np.arange(self._blocks * BLOCK, dtype=np.int64) * FINE + FINE // 2
        return _find_yarns(centres, self.end_pitch, self._ends)

    def _draw_lines(self) -> tuple[Levels, Levels]:
        """Return every line that occurs, (lines, blocks, BLOCK), of the warp and of the weft."""
        picks = self._weave.shape[0]
        pick = np.repeat(np.arange(picks), _LINES)[:, None]
        v = ((np.arange(picks * _LINES) % _LINES + 0.5) / _LINES).astype(np.float32)[:, None]
        end, u = self._end[None, :], self._u[None, :]
        warp = shade_warp(self._weave, pick, v, end, u) * self._warp_levels(end)
        weft = shade_weft(self._weave, pick, v, end, u) * np.float32(self.weft_tone)
        shape = (picks * _LINES, self._blocks, BLOCK)
        return np.rint(warp).astype(np.uint16).reshape(shape), np.rint(weft).astype(np.uint16).reshape(shape)

    def _warp_levels(self, end: Whole) -> Field:
        """Return the tone of ends: they differ by a few per cent, as dyed yarn does."""
        tone: Field = (self.warp_tone * (1.0 + 0.09 * self._ends.uniforms(end, row=1))).astype(np.float32)
        return tone

    def _find_quarters(self, y1: int, y2: int) -> tuple[Whole, Whole]:
        """Return the quarter rows (Q,) that rows y1..y2 touch, and for each row and block its index there (h, B)."""
        low = y1 * _QUARTERS + int(self._skew.min())
        high = (y2 - 1) * _QUARTERS + int(self._skew.max())
        place = (np.arange(y1, y2) * _QUARTERS)[:, None] + self._skew[None, :] - low
        return np.arange(low, high + 1), place

    def _find_picks(self, quarters: Whole) -> tuple[Whole, Field]:
        """Return the pick at each quarter row (Q,), and the place across it."""
        return _find_yarns(quarters * (FINE // _QUARTERS) + FINE // 2, self.pick_pitch, self._jitter)

    def _thicken(self, picks: Whole) -> Levels:
        """Return the thickness along each pick (N, blocks, BLOCK), _ONE on average: a window of one long yarn."""
        length = self._blocks * BLOCK
        start = self._windows.hashes(picks) % np.uint64(_POOL - length)
        windows = np.lib.stride_tricks.sliding_window_view(self._thickness, length)[start.astype(np.int64)]
        own = np.rint(_ONE * (1.0 + 0.08 * self._picks.uniforms(picks))).astype(np.uint16)
        thick: Levels = (windows * own[:, None]) >> np.uint16(7)
        return thick.reshape(picks.size, self._blocks, BLOCK)


def _find_yarns(places: Whole, pitch: int, jitter: Positional) -> tuple[Whole, Field]:
    """Return the yarn at each of ascending places (N,), in 1/FINE px, and the place across it, 0..1."""
    number = np.arange(int(places[0]) // pitch - 1, int(places[-1]) // pitch + 3)
    # Borders move by less than a quarter of the pitch, so that no yarn vanishes and none is out of order.
    border = number * pitch + np.rint(0.2 * pitch * jitter.uniforms(number)).astype(np.int64)
    found = np.searchsorted(border, places, side="right") - 1
    across = (places - border[found]) / (border[found + 1] - border[found])
    return number[found], across.astype(np.float32)


def _draw_skew(rng: np.random.Generator, blocks: int) -> Whole:
    """Return by how many quarter rows the weft is off in each block: it is askew, and bowed."""
    slope = rng.uniform(-0.8, 0.8)
    across = np.linspace(-1.0, 1.0, blocks) if blocks > 1 else np.zeros(1)
    bow = rng.uniform(-0.1, 0.1) * blocks * np.square(across)
    skew: Whole = np.rint(slope * np.arange(blocks) + bow).astype(np.int64)
    return skew


def _draw_thickness(rng: np.random.Generator) -> Levels:
    """Return the thickness along a long yarn (_POOL,), _ONE on average: noise of a few lengths."""
    total = np.zeros(_POOL)
    for length, share in ((6, 0.035), (40, 0.05), (300, 0.03)):
        knots = rng.standard_normal(_POOL // length + 2)
        total += share * np.interp(np.arange(_POOL) / length, np.arange(knots.size), knots)
    return np.rint(_ONE * (1.0 + np.clip(total, -0.3, 0.3))).astype(np.uint16)
