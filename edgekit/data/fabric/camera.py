"""What a line camera makes of the cloth: light that is uneven and drifts, focus that varies, and noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit.data.fabric.cloth import Levels
from edgekit.data.fabric.crossings import Field
from edgekit.data.fabric.positional import Positional, Stream, Values

BAND = 128
"""Rows that are made at once. Slow changes are drawn across the width at the bands' borders, and blended between."""

MARGIN = 2
"""Rows above and below a band that its blur needs."""

#: Columns between the knots of clouds: cloth is not equally dense everywhere.
_FINE_CLOUDS, _COARSE_CLOUDS = 48, 200
_POOL = 1 << 16


class Camera:
    """Lens, lamp and sensor over a web.

    Args:
        width: Pixels across.
        seed: Decides all of them.
    """

    def __init__(self, width: int, *, seed: int) -> None:
        self._x = np.arange(width, dtype=np.float64)
        light = Positional(seed, Stream.LIGHT)
        rng = light.generator()
        self._light, self._clouds = light, Positional(seed, Stream.CLOUDS)
        self._focus, self._rows = Positional(seed, Stream.FOCUS), Positional(seed, Stream.NOISE)
        self._lamp = _shape_lamp(rng, self._x / width)
        self._softness, self._tilt = rng.uniform(0.15, 0.6), rng.uniform(-0.5, 0.5)
        noise = rng.normal(0.0, rng.uniform(2.0, 4.0), _POOL + width)
        # Rounding is to the nearest level: half a level is added here instead of once more per pixel.
        self._noise = (noise + 0.5).astype(np.float32)
        part = ((np.arange(BAND) + 0.5) / BAND).astype(np.float32)[:, None]
        self._weight = part * part * (np.float32(3.0) - np.float32(2.0) * part)

    def expose(self, sheet: Levels, band: int) -> npt.NDArray[np.uint8]:
        """Return the picture (BAND, W) of a band of cloth (BAND + 2 · MARGIN, W), given its number."""
        sharp = sheet[MARGIN:-MARGIN]
        seen = _blur(sheet).astype(np.float32)
        seen *= np.float32(1.0 / 256.0)
        seen -= sharp
        seen *= self._blend(self._soften(band), self._soften(band + 1))
        seen += sharp
        seen *= self._blend(self._illuminate(band), self._illuminate(band + 1))
        seen += self._draw_noise(band)
        return np.clip(seen, 0.0, 255.0, out=seen).astype(np.uint8)

    def _blend(self, top: Values, bottom: Values) -> Field:
        """Return a field (BAND, W) that goes smoothly from one border's values (W,) to the other's."""
        blended = self._weight * (bottom - top).astype(np.float32)
        blended += top.astype(np.float32)
        return blended

    def _illuminate(self, border: int) -> Values:
        """Return how bright the cloth is at a border of bands (W,): lamp, drift of the lamp, and clouds."""
        along = np.array([border / 40.0, border / 7.0])
        slow, fast = self._light.wander(along)
        lean = float(self._light.wander(np.array([border / 25.0]), row=1)[0])
        lamp = self._lamp * (1.0 + 0.13 * slow + 0.04 * fast + 0.1 * lean * (self._x / self._x.size - 0.5))
        clouds = 0.05 * self._clouds.wander(self._x / _FINE_CLOUDS, row=2 * border)
        clouds += 0.06 * self._clouds.wander(self._x / _COARSE_CLOUDS, row=2 * border + 1)
        light: Values = lamp * (1.0 + clouds)
        return light

    def _soften(self, border: int) -> Values:
        """Return how much of the blur is seen at a border of bands (W,), 0..1."""
        drift = float(self._focus.wander(np.array([border / 16.0]))[0])
        soft = self._softness + self._tilt * (self._x / self._x.size - 0.5) + 0.3 * drift
        return np.clip(soft, 0.0, 1.0)

    def _draw_noise(self, band: int) -> Field:
        """Return the sensor's noise (BAND, W): each row a window of a long one, at a place of its own."""
        rows = np.arange(band * BAND, (band + 1) * BAND)
        start = (self._rows.hashes(rows) % np.uint64(_POOL)).astype(np.int64)
        noise: Field = np.lib.stride_tricks.sliding_window_view(self._noise, self._x.size)[start]
        return noise


def _shape_lamp(rng: np.random.Generator, x: Values) -> Values:
    """Return the lamp's light across the web (W,): falling off towards the sides, a little uneven."""
    fall = rng.uniform(0.1, 0.35) * np.square(2.0 * (x - rng.uniform(0.35, 0.65)))
    uneven = 0.03 * np.sin(2.0 * np.pi * (rng.uniform(2.0, 6.0) * x + rng.uniform()))
    return np.asarray(rng.uniform(0.75, 1.15) * (1.0 - fall + uneven))


def _blur(sheet: Levels) -> Levels:
    """Return 256 times the sheet blurred by binomials of five (σ = 1 px), without its margins of rows.

    255 · 256 fits into 16 bits, which is why levels have that type.
    """
    wide = np.pad(sheet, ((0, 0), (MARGIN, MARGIN)), mode="edge")
    for _ in range(2 * MARGIN):
        wide = wide[:, :-1] + wide[:, 1:]
    for _ in range(2 * MARGIN):
        wide = wide[:-1] + wide[1:]
    return wide
