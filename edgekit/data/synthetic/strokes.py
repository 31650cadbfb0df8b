"""Thin curved strokes along the major axis of an ellipse, for hairs, cuts and cracks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit.data.synthetic.ellipses import Ellipse
from edgekit.data.synthetic.noise import Field, Frame
from edgekit.data.synthetic.stamps import sum_dots

_Values = npt.NDArray[np.float64]


def bowed_path(
    rng: np.random.Generator, ellipse: Ellipse, *, bow: float, wobble: float
) -> tuple[_Values, _Values]:
    """Return points (u, v) in semi-axes, half a pixel apart, of an arc from end to end of the ellipse.

    ``bow`` is the greatest height of the arc and ``wobble`` that of its irregularity, in semi-minor axes.
    """
    u = np.linspace(-0.88, 0.88, max(16, int(4.0 * ellipse.semi_major)))
    height = float(rng.uniform(-bow, bow))
    v = height * (0.6 - 1.6 * u * u)
    for cycles in (1.5, 3.0, 6.0):
        size = rng.normal(0.0, wobble / cycles)
        v = v + size * np.sin(np.pi * cycles * u + rng.uniform(0.0, 2.0 * np.pi))
    return u, v


def draw_stroke(
    frame: Frame, ellipse: Ellipse, path: tuple[_Values, _Values], keep: npt.NDArray[np.bool_], sigma: float
) -> Field:
    """Return the coverage (H, W) in 0..1 of a stroke through those points of ``path`` that ``keep`` marks.

    ``sigma`` is half the width in reference pixels.
    """
    u, v = path
    x, y = ellipse.to_image(u[keep], v[keep])
    # Points half a pixel apart overlap: on an unbroken line bumps add up to sigma * sqrt(2 pi) / 0.5.
    line_sum = sigma * frame.scale * np.sqrt(2.0 * np.pi) / 0.5
    coverage: Field = np.minimum(sum_dots(frame, x, y, sigma) / np.float32(0.8 * line_sum), np.float32(1.0))
    return coverage


def broken(rng: np.random.Generator, count: int, share: float, run: int) -> npt.NDArray[np.bool_]:
    """Return which of ``count`` points to keep: about ``share`` of them, in runs of about ``run`` points."""
    smooth = np.convolve(rng.normal(size=count + run), np.ones(run), mode="valid")[:count]
    kept: npt.NDArray[np.bool_] = smooth <= np.quantile(smooth, share)
    return kept
