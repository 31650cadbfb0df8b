"""A goal on a set of images: limits in whole images and in multiply-accumulates, and what is made small within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgekit.choosing.exits.table import ExitCount
from edgekit.choosing.goal import count_excess, find_useless

Values = npt.NDArray[np.float64]
Small = Literal["macs", "escape", "overkill", "errors"]

SUMS = 4
"""Escapes, overkills, multiply-accumulates of the defective images and of the others: what any choice is judged by."""

ROUNDING = 1e-12
"""A limit on the expected cost is held to so many parts of it: an expected value in doubles is no exact number."""


@dataclass(frozen=True)
class Criterion:
    """What decides between choices.

    Attributes:
        most_escapes: Defective images that may be accepted; None for any number.
        most_overkills: Defect-free images that may be rejected; None likewise.
        most_macs: Largest expected multiply-accumulates per frame; None for any.
        small: What is made small within the limits; "errors" are escapes and overkills, weighed by `cost_ratio`.
        cost_ratio: An escape on the line costs as much as this many overkills; None where rates are added as they are.
        share: Share of the line's frames that show a defect, 0 to 1.
        defective: Number of defective images.
        normal: Number of defect-free images.
    """

    most_escapes: int | None
    most_overkills: int | None
    most_macs: float | None
    small: Small
    cost_ratio: float | None
    share: float
    defective: int
    normal: int

    def expect_macs(self, defective_macs: Values, normal_macs: Values) -> Values:
        """Return the expected multiply-accumulates per frame of the line, from those of all images of a kind."""
        return self.share * defective_macs / self.defective + (1 - self.share) * normal_macs / self.normal

    def expect_count(self, count: ExitCount) -> float:
        """Return the expected multiply-accumulates per frame of one choice."""
        macs = np.array([count.defective_macs, count.normal_macs], np.float64)
        return float(self.expect_macs(macs[:1], macs[1:])[0])

    def rank(self, sums: Values) -> tuple[Values, ...]:
        """Return what is compared between choices, the first entry first; less is better.

        No entry falls where a sum grows, which the search relies on.

        Args:
            sums: float64 (SUMS, …).

        Returns:
            float64 (…) each: whether it tells nothing apart; by how many images the limits are exceeded; by what part
            the limit of cost is; what is made small; then cost, escapes and overkills.
        """
        escapes, overkills, defective_macs, normal_macs = sums
        macs = self.expect_macs(defective_macs, normal_macs)
        dear = np.zeros_like(macs)
        if self.most_macs is not None:
            dear = np.maximum(macs / self.most_macs - (1 + ROUNDING), 0.0)
        return (
            find_useless(escapes, overkills, defective=self.defective, normal=self.normal),
            count_excess(escapes, self.most_escapes) + count_excess(overkills, self.most_overkills),
            dear,
            self._make_small(escapes, overkills, macs),
            macs,
            escapes,
            overkills,
        )

    def rank_count(self, count: ExitCount) -> tuple[float, ...]:
        """Return `rank` of one choice."""
        sums = (count.escapes, count.overkills, count.defective_macs, count.normal_macs)
        return tuple(float(entry[0]) for entry in self.rank(np.array(sums, np.float64)[:, None]))

    def holds(self, count: ExitCount) -> bool:
        """Tell whether a choice keeps the limits and tells the two kinds of image apart at all."""
        return not any(self.rank_count(count)[:3])

    def _make_small(self, escapes: Values, overkills: Values, macs: Values) -> Values:
        if self.small == "macs":
            return macs
        if self.small == "escape":
            return escapes
        if self.small == "overkill":
            return overkills
        escape, overkill = escapes / self.defective, overkills / self.normal
        if self.cost_ratio is None:
            return escape + overkill
        return self.cost_ratio * self.share * escape + (1 - self.share) * overkill
