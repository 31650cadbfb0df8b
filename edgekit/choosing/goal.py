"""What is asked of a threshold: how much may escape, how much may be rejected for nothing, and what each costs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.errors import UsageProblem

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Goal:
    """Limits, which come first, and what is made small where they hold.

    Attributes:
        max_escape: Largest share of defective images that may be accepted, 0 to 1; None for no limit.
        max_overkill: Largest share of defect-free images that may be rejected, 0 to 1; None for no limit.
        cost_ratio: An escape costs as much as this many overkills; None where only the limits speak.
    """

    max_escape: Fraction | None = None
    max_overkill: Fraction | None = None
    cost_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.max_escape is None and self.max_overkill is None and self.cost_ratio is None:
            raise UsageProblem(
                "Nothing says what the threshold shall reach.",
                remedy="Give --max-escape 0.5%, --max-overkill 2% or --cost-ratio 20.",
            )
        check_cost_ratio(self.cost_ratio)

    def describe(self) -> str:
        """Return the goal in words."""
        limits = describe_limits(self.max_escape, self.max_overkill)
        if self.cost_ratio is not None:
            return "; ".join([*limits, f"least cost, an escape counting as {self.cost_ratio:g} overkills"])
        if len(limits) == 2:
            return " and ".join(limits)
        return f"{limits[0]}, least {'overkill' if self.max_escape is not None else 'escape'}"

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data, and the goal in words."""
        return {
            "words": self.describe(),
            "max_escape": None if self.max_escape is None else float(self.max_escape),
            "max_overkill": None if self.max_overkill is None else float(self.max_overkill),
            "cost_ratio": self.cost_ratio,
        }

    def rank(
        self, escapes: Counts, overkills: Counts, *, defective: int, normal: int
    ) -> tuple[npt.NDArray[np.float64], ...]:
        """Return what is compared between choices, the first entry first; less is better.

        No entry falls where a count grows: a choice with fewer of both is never worse, which the search relies on.

        Args:
            escapes: Accepted defective images of each choice, int64 (choices,).
            overkills: Rejected defect-free images of each choice, int64 (choices,).
            defective: Number of defective images.
            normal: Number of defect-free images.

        Returns:
            float64 (choices,) each: whether it tells nothing apart (every image of a kind is judged wrongly); by how
            many images the limits are exceeded; then what is made small.
        """
        useless = find_useless(escapes, overkills, defective=defective, normal=normal)
        excess = count_excess(escapes, allow_images(self.max_escape, defective))
        excess += count_excess(overkills, allow_images(self.max_overkill, normal))
        return (useless, excess, *self._objectives(escapes, overkills, defective, normal))

    def _objectives(
        self, escapes: Counts, overkills: Counts, defective: int, normal: int
    ) -> tuple[npt.NDArray[np.float64], ...]:
        escape = np.asarray(escapes / defective, np.float64)
        overkill = np.asarray(overkills / normal, np.float64)
        if self.cost_ratio is not None:
            return np.asarray(self.cost_ratio * escapes + overkills, np.float64), escape
        if self.max_escape is not None and self.max_overkill is not None:
            return escape + overkill, escape
        return (overkill, escape) if self.max_escape is not None else (escape, overkill)


def allow_images(limit: Fraction | None, total: int) -> int | None:
    """Return how many of so many images a limit allows, exactly: 3 of 120 are 2.5 %, whatever floats make of it."""
    return None if limit is None else int(limit * total)


def count_excess(counts: npt.NDArray[Any], allowed: int | None) -> npt.NDArray[np.float64]:
    """Return by how many images counts exceed what is allowed; None allows any."""
    if allowed is None:
        return np.zeros(np.shape(counts))
    return np.maximum(np.asarray(counts, np.float64) - allowed, 0.0)


def find_useless(
    escapes: npt.NDArray[Any], overkills: npt.NDArray[Any], *, defective: int, normal: int
) -> npt.NDArray[np.float64]:
    """Return 1 where every image of a kind is judged wrongly, so that nothing is told apart, and 0 elsewhere."""
    return np.where((escapes == defective) | (overkills == normal), 1.0, 0.0)


def describe_limits(max_escape: Fraction | None, max_overkill: Fraction | None) -> list[str]:
    """Return the limits that are given, in words."""
    return [
        f"{name} at most {format_share(limit)}"
        for name, limit in (("escape", max_escape), ("overkill", max_overkill))
        if limit is not None
    ]


def check_cost_ratio(ratio: float | None) -> None:
    """Raise UsageProblem unless an escape costs as much as a number of overkills, or nothing is said of that."""
    # Written so that NaN fails.
    if ratio is not None and not 0 < ratio < 1e9:
        raise UsageProblem(
            f"A cost ratio is a number above 0, got {ratio}.",
            remedy="--cost-ratio 20 says that an escape costs as much as 20 overkills.",
        )


def parse_share(text: str) -> Fraction:
    """Return a share that a person wrote, "0.5%" or "0.005", exactly.

    Raises:
        UsageProblem: If it is no number from 0 up to, but not, 100 %.
    """
    found = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,12})?|\.\d{1,12})\s*(%?)\s*", text)
    share = None if found is None else Fraction(found[1]) / (100 if found[2] else 1)
    if share is None or share >= 1:
        raise UsageProblem(
            f"{text!r} is no share of images.",
            remedy="Write a percentage such as 0.5%, or a fraction such as 0.005, below 100 %.",
        )
    return share


def format_share(share: Fraction | float) -> str:
    """Return a share as a percentage of at most three significant digits."""
    return f"{float(100 * share):.3g} %"
