"""Class 2: nearly vertical fibres, one pixel wide, crossed by a thin dark arc.

Mean 83 to 110 and standard deviation 57 grey levels; the fibres are 5 to 20 pixels long and lean by up to 15
degrees, all of one image by about as much.
"""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import REFERENCE_SIDE, Field, Frame, frequencies, shaped_noise
from edgekit.data.synthetic.strokes import bowed_path, broken, draw_stroke
from edgekit.data.synthetic.tones import map_quantiles

#: Grey level at each normal quantile of the fibres.
_TONE_Z = (-3.1, -2.33, -1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64, 2.33, 3.1)
_TONE_GREY = (0.0, 3.0, 14.0, 22.0, 43.0, 80.0, 128.0, 174.0, 198.0, 230.0, 249.0)
#: Grey level of the arc.
_DARK = (2.0, 14.0)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a dark arc along ``ellipse`` where there is one."""
    offset = np.float32(rng.normal(0.2, 0.15))
    fibres = shaped_noise(rng, frame, _fibre_spectrum(rng, frame))
    field = fibres * np.float32(rng.normal(0.98, 0.03)) + slope(rng, frame, 0.1) + offset
    grey = map_quantiles(field, _TONE_Z, _TONE_GREY)
    if ellipse is not None:
        path = bowed_path(rng, ellipse, bow=1.0, wobble=0.04)
        keep = broken(rng, path[0].size, share=float(rng.uniform(0.85, 0.97)), run=8)
        arc = draw_stroke(frame, ellipse, path, keep, sigma=float(rng.uniform(1.0, 1.5)))
        grey = grey + arc * (np.float32(rng.uniform(*_DARK)) - grey)
    return grey


def _fibre_spectrum(rng: np.random.Generator, frame: Frame) -> Field:
    """Return the amplitude (H, W // 2 + 1) of fibres of several directions around a common one."""
    fy, fx = frequencies(frame)
    lean, length = rng.normal(0.0, np.radians(6.0)), float(np.exp(rng.uniform(np.log(4.5), np.log(10.0))))
    power = np.zeros(np.broadcast_shapes(fy.shape, fx.shape), dtype=np.float32)
    for spread in (-1.5, -0.5, 0.5, 1.5):
        tilt = lean + spread * np.radians(rng.uniform(1.0, 4.0))
        along = fy * np.float32(np.cos(tilt)) + fx * np.float32(np.sin(tilt))
        power += np.exp(np.float32(-4.0 * (np.pi * length / REFERENCE_SIDE) ** 2) * along * along)
    amplitude: Field = np.sqrt(power)
    return amplitude
