"""Class 5: a cloudy cast surface with a stain where the grain is coarser."""

from __future__ import annotations

import numpy as np

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.lighting import slope
from edgekit.data.synthetic.noise import Field, Frame, grain, radial_noise
from edgekit.data.synthetic.patches import soft_patch

#: Grey levels of the surface, its clouds and its grain.
_MEAN, _CLOUDS, _GRAIN = (95.0, 120.0), (13.0, 18.0), (13.0, 17.0)
#: Grain sizes, standard deviations of a blur in reference pixels: of the surface and of the stain.
_FINE, _COARSE = (0.8, 1.1), (3.2, 4.6)


def paint(rng: np.random.Generator, frame: Frame, ellipse: Ellipse | None) -> Field:
    """Return grey levels (H, W), with a stain in ``ellipse`` where there is one."""
    clouds = radial_noise(rng, frame, _cloud_spectrum)
    texture = grain(rng, frame, float(rng.uniform(*_FINE)))
    level = np.float32(rng.uniform(*_MEAN)) + slope(rng, frame, 7.0)
    if ellipse is not None:
        stain = soft_patch(rng, frame, ellipse, reach=0.72, softness=0.35)
        coarse = np.float32(rng.uniform(1.1, 1.4)) * grain(rng, frame, float(rng.uniform(*_COARSE)))
        texture = texture + stain * (coarse - np.float32(0.8) * texture)
        level = level - np.float32(rng.uniform(2.0, 9.0)) * stain
    grey: Field = (
        level + np.float32(rng.uniform(*_CLOUDS)) * clouds + np.float32(rng.uniform(*_GRAIN)) * texture
    )
    return grey


def _cloud_spectrum(radius: Field) -> Field:
    """Return the amplitude of clouds: power falls with the cube of the frequency from 4 cycles on."""
    amplitude: Field = (np.square(radius) + np.float32(16.0)) ** np.float32(-0.75)
    return amplitude
