"""Class 9: a sandblasted plate with a small bump, bright on the lit side and dark on the other."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain
from edgekit.data.synthetic.relief import emboss
from edgekit.data.synthetic.tones import map_quantiles

#: Blur of the relief in reference pixels, and its contrast in grey levels.
_BLAST, _CONTRAST = (1.3, 1.7), (26.0, 32.0)
#: Height of the bump's shading in grey levels: about three times the grain's deviation.
_BUMP = (75.0, 105.0)
#: Sandblasting hides in the dark: grey levels below the middle are compressed.
_TONE_Z, _TONE_GREY = (-4.0, -1.0, 0.0, 1.0, 4.0), (-80.0, -26.0, -3.0, 30.0, 125.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a bump in ``ellipse`` where there is one."""
    light = float(rng.uniform(-2.6, -2.1))
    blast = _blast(rng, frame, light) + 0.5 * grain(rng, frame, 12.0)
    grey = map_quantiles(blast, _TONE_Z, _TONE_GREY) * np.float32(rng.uniform(*_CONTRAST) / 29.0)
    grey = grey + np.float32(rng.uniform(85.0, 110.0)) + slope(rng, frame, 8.0)
    if ellipse is not None:
        grey = grey + np.float32(rng.uniform(*_BUMP)) * _shade_bump(ellipse, frame, light)
    return grey


def _blast(rng: np.random.Generator, frame: Frame, light: float) -> Field:
    """Return the shading (H, W) of white noise in relief, of about unit variance."""
    sigma = float(rng.uniform(*_BLAST))
    white = rng.standard_normal(frame.shape, dtype=np.float32)
    # The slope of white noise blurred by s pixels has variance 1 / (8 pi s^4), here in units of s.
    deviation = 1.0 / (np.sqrt(8.0 * np.pi) * sigma * frame.scale)
    return emboss(white, frame, sigma, light) / np.float32(deviation)


def _shade_bump(ellipse: Ellipse, frame: Frame, light: float) -> Field:
    """Return the shading (H, W) of a smooth bump that fills two thirds of the ellipse, extremes -1 and 1."""
    u, v = ellipse.coordinates(frame)
    local = light - ellipse.angle
    toward = u * np.float32(np.cos(local)) + v * np.float32(np.sin(local))
    # The slope of exp(-r^2 / 2 s^2) is greatest at r = s, where it is exp(-1/2) / s.
    spread = np.float32(0.34)
    bell = np.exp(-(u * u + v * v) / (2.0 * spread * spread))
    shade = toward / spread * bell * np.float32(np.exp(0.5))
    return shade.astype(np.float32, copy=False)
