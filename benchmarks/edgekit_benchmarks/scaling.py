"""What size costs: time of the network over tiles, pixels and G, fitted to several bundles of one family.

Regions are left out: they depend on what the masks hold, and not on how large these are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class CostPoint:
    """One measurement of a network of some size.

    Attributes:
        label: How the point is called.
        family: Networks that differ in width and size only, on one backend.
        tiles: Frames per call.
        pixels: Of a frame.
        width: G, the number of channels; 1 where the network has no such number.
        time_ms: Median time of a call until its masks or probabilities are there.
    """

    label: str
    family: str
    tiles: int
    pixels: int
    width: int
    time_ms: float

    @property
    def area(self) -> int:
        """Pixels of all tiles of a call."""
        return self.tiles * self.pixels


@dataclass(frozen=True)
class CostFit:
    """t = fixed + area · (per pixel + per channel · G), where area is tiles · pixels; none of the three is negative.

    Attributes:
        family: Which networks.
        points: What was measured, by G and area.
        fixed_ms: What a call costs whatever its size.
        ns_per_pixel: What one pixel costs whatever G is: frames, masks, regions. Where all points have one G it holds
            the channels, too.
        ns_per_channel: What each channel of a pixel adds; None where all points have one G.
        largest_error: Largest deviation of a point from the fit, as a share of the point.
    """

    family: str
    points: tuple[CostPoint, ...]
    fixed_ms: float
    ns_per_pixel: float
    ns_per_channel: float | None
    largest_error: float

    def predict(self, area: float, width: int) -> float:
        """Return the time of a call in ms, by the fit."""
        return self.fixed_ms + area * (self.ns_per_pixel + (self.ns_per_channel or 0.0) * width) / 1e6


def fit_costs(points: Sequence[CostPoint]) -> tuple[CostFit, ...]:
    """Return a fit for every family that has more sizes than the fit has numbers.

    Relative errors are minimised: a fit of absolute ones would only see the largest network.
    """
    fits = []
    for family in sorted({point.family for point in points}):
        members = [point for point in points if point.family == family]
        members.sort(key=lambda point: (point.width, point.area))
        terms = _list_terms(members)
        # As many sizes as numbers would be met exactly, whatever was measured.
        if len(np.unique(terms, axis=0)) > terms.shape[1] == np.linalg.matrix_rank(terms):
            fits.append(_fit_terms(family, tuple(members), terms))
    return tuple(fits)


def _list_terms(points: Sequence[CostPoint]) -> npt.NDArray[np.float64]:
    """Return the terms of each point: 1, area, and area · G where G differs; areas in 10⁶, for a sound solution."""
    areas = np.array([point.area for point in points]) / 1e6
    widths = np.array([point.width for point in points])
    columns = [np.ones_like(areas), areas]
    return np.stack([*columns, areas * widths] if len(set(widths.tolist())) > 1 else columns, axis=1)


def _fit_terms(family: str, points: tuple[CostPoint, ...], terms: npt.NDArray[np.float64]) -> CostFit:
    rows = terms / np.array([point.time_ms for point in points])[:, None]
    numbers = _solve_without_negatives(rows)
    fixed, pixel, *channel = numbers.tolist()
    errors = np.abs(rows @ numbers - 1)
    return CostFit(
        family=family,
        points=points,
        fixed_ms=fixed,
        ns_per_pixel=pixel,
        ns_per_channel=channel[0] if channel else None,
        largest_error=float(errors.max()),
    )


def _solve_without_negatives(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return x ≥ 0 with the least |rows · x − 1|: the best of the plain solutions with some numbers held at 0.

    Nothing takes negative time, and with three numbers there are seven cases to look at.
    """
    count = rows.shape[1]
    least, best = np.inf, np.zeros(count)
    for chosen in itertools.product((False, True), repeat=count):
        numbers = np.zeros(count)
        columns = np.flatnonzero(chosen)
        numbers[columns] = np.linalg.lstsq(rows[:, columns], np.ones(len(rows)), rcond=None)[0]
        error = float(np.square(rows @ numbers - 1).sum())
        if numbers.min() >= 0 and error < least:
            least, best = error, numbers
    return best


def describe_fit(fit: CostFit) -> str:
    """Return the fit as a formula."""
    pixel = f"{fit.ns_per_pixel:.4f} ns"
    if fit.ns_per_channel is not None:
        pixel = f"({pixel} + {fit.ns_per_channel:.4f} ns × G)"
    return f"{fit.fixed_ms:.3f} ms + tiles × pixels × {pixel}"
