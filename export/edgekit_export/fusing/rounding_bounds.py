"""How far any float32 evaluation of a program may lie from the exact one, per pixel.

Every quantity is carried as a ball: its exact value x, for the float32 weights and the frame as they are, and a
radius e, so that |x̂ − x| ≤ e for the x̂ of every evaluation in float32. What an evaluation is free to do: add the terms
of a sum in any order and grouping, in several accumulators, with or without fused multiply-add. What it is not: other
sums, such as Winograd's, or storage in fewer bits.

With u = 2⁻²⁴, the model fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u, and γ_n = n·u / (1 − n·u) (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., §2.2, §3.1):

* Frame. Grey values are exact; the subtraction of the shift rounds once: e = u·|x|.
* Sum. s = b + Σ w·x over n terms. A product rounds at most once, and each term then passes at most n additions, hence
  |ŝ − (b + Σ w·x̂)| ≤ γ_{n+1}·(Σ|w|·|x̂| + |b|) for every order (§3.1); a fused multiply-add leaves roundings out. With
  |x̂| ≤ |x| + e and |Σ w·x̂ − Σ w·x| ≤ Σ|w|·e:

      e(s) = Σ|w|·e + γ_{n+2}·(Σ|w|·(|x| + e) + |b|) = Σ|w|·((1 + γ_{n+2})·e + γ_{n+2}·|x|) + γ_{n+2}·|b|.

  The step from n + 1 to n + 2 pays for the float64 in which x and e are computed here: its roundings are 2²⁹ times
  smaller than the u·(Σ|w|·|x| + |b|) that it adds.
* LeakyReLU. It changes distances by a factor of at most 1, and of at most its slope where the sum is surely negative;
  there the product with the slope rounds once: e = e(s), or slope·e(s), plus u·slope·max(e(s) − s, 0).
* Underflow. A result that is too small for float32 is off by at most 2⁻¹²⁶, flushed to zero or not: once for each of
  the n products, n additions and the slope's.
* Overflow. Where the sum of magnitudes may come near the end of float32, the radius is infinite.

So |logit − threshold| ≤ e is where a mask may differ; everywhere else every evaluation gives the same pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

UNIT = 2.0**-24
"""Largest relative rounding of float32."""

TINY = 2.0**-126
"""Smallest normal float32."""

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Ball:
    """Planes of exact values and of the radii around them, both float64 of one shape.

    Attributes:
        centre: Exact values.
        radius: How far a float32 evaluation may be from them.
    """

    centre: Array
    radius: Array


def gamma(terms: int) -> float:
    """Return γ_n = n·u / (1 − n·u), what n roundings may do to a term at most."""
    return terms * UNIT / (1 - terms * UNIT)


def enclose_frame(frame: Array, shift: float) -> Ball:
    """Return grey values less the shift.

    Args:
        frame: Grey values (H, W) below 2^24.
        shift: A float32 number; 0 leaves the values exact.
    """
    centre = frame.astype(np.float64) - shift
    return Ball(centre, UNIT * np.abs(centre) if shift else np.zeros_like(centre))


def start_sum(bias: float, terms: int, shape: tuple[int, int]) -> Ball:
    """Return b, to which the terms of a sum are added.

    Args:
        bias: b, a float32 number.
        terms: How many products meet in one pixel at most.
        shape: (height, width) of the result.
    """
    radius = gamma(terms + 2) * abs(bias) + 2 * (terms + 2) * TINY
    return Ball(np.full(shape, bias, np.float64), np.full(shape, radius))


def weigh_radius(source: Ball, terms: int) -> Array:
    """Return what a term w·x adds to the radius of its sum, for |w| = 1: (1 + γ)·e + γ·|x|."""
    factor = gamma(terms + 2)
    weighed: Array = np.abs(source.centre)
    weighed *= factor
    weighed += (1 + factor) * source.radius
    return weighed


def activate(total: Ball, terms: int, slope: float) -> Ball:
    """Return the LeakyReLU of a finished sum.

    Args:
        total: Centre and radius with every term; its arrays are the result's.
        terms: As in `start_sum`.
        slope: A float32 number, 0 to 1.
    """
    centre, radius = total.centre, total.radius
    # The radius is at least γ times the sum of magnitudes.
    radius[~(radius < gamma(terms + 2) * LARGEST / 2)] = np.inf
    if slope == 1:
        return total
    with np.errstate(invalid="ignore"):  # 0·∞ for ReLU is NaN, which bounds as little as ∞
        rounding = radius - centre
        np.maximum(rounding, 0, out=rounding)
        rounding *= UNIT * slope
        np.multiply(radius, slope, out=radius, where=centre < -radius)
        radius += rounding
    np.maximum(centre, slope * centre, out=centre)
    return total
