"""What is asked of the thresholds of exits: which errors are allowed, what a frame may cost, what is made small."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from edgekit.choosing.exits.criterion import Criterion, Small
from edgekit.choosing.exits.table import ExitTable, count_last_exit
from edgekit.choosing.goal import allow_images, check_cost_ratio, describe_limits, format_share
from edgekit_runtime.errors import UsageProblem

_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class CostLimit:
    """Largest expected cost of a frame.

    Attributes:
        amount: A share of what the last exit costs where `relative`, else multiply-accumulates.
        relative: Which of the two.
    """

    amount: Fraction
    relative: bool

    def to_macs(self, last: int) -> float:
        """Return it in multiply-accumulates, where the last exit costs so many."""
        return float(self.amount * last if self.relative else self.amount)

    def describe(self) -> str:
        """Return such as "60 % of the last exit" or "12.5 GMAC"."""
        return (
            f"{format_share(self.amount)} of the last exit"
            if self.relative
            else format_macs(float(self.amount))
        )


@dataclass(frozen=True)
class ExitGoal:
    """Limits, which come first, and what is made small where they hold.

    Without a limit of the cost the expected cost is made small. With one, errors are: those that `cost_ratio` weighs,
    else the kind without a limit, escapes where neither has one, and both where both have.

    An error that is neither limited nor made small would be the price of all else. It is held to what the bundle makes
    when every frame goes to its last exit.

    Attributes:
        max_escape: Largest share of defective images that may be accepted, 0 to 1; None for no limit.
        max_overkill: Largest share of defect-free images that may be rejected, 0 to 1; None for no limit.
        max_cost: Largest expected cost of a frame; None for no limit.
        cost_ratio: An escape costs as much as this many overkills; None where nothing is weighed.
        defective_share: How often a frame of the line shows a defect; None for as often as in the images.

    Raises:
        UsageProblem: If that is nothing, or contradicts itself.
    """

    max_escape: Fraction | None = None
    max_overkill: Fraction | None = None
    max_cost: CostLimit | None = None
    cost_ratio: float | None = None
    defective_share: Fraction | None = None

    def __post_init__(self) -> None:
        check_cost_ratio(self.cost_ratio)
        if self.max_cost is not None:
            return
        if self.cost_ratio is not None:
            raise UsageProblem(
                "--cost-ratio weighs one error against the other, and nothing says what a frame may cost: the last "
                "exit would answer every one.",
                remedy="Give --max-cost 60% with it; or limits of the errors instead, such as --max-escape 2%, for "
                "the least expected cost.",
            )
        if self.max_escape is None and self.max_overkill is None:
            raise UsageProblem(
                "Nothing says what the thresholds of the exits shall reach.",
                remedy="Give --max-escape 2% or --max-overkill 2% for the least expected cost, or --max-cost 60% for "
                "the fewest escapes within it.",
            )

    @property
    def small(self) -> Small:
        """What is made small."""
        if self.max_cost is None:
            return "macs"
        if self.cost_ratio is not None or (self.max_escape is not None and self.max_overkill is not None):
            return "errors"
        return "escape" if self.max_escape is None else "overkill"

    @property
    def held(self) -> str | None:
        """The error that is held to that of the last exit, "escape" or "overkill"; None where there is none."""
        if self.max_overkill is None and self.small in ("macs", "escape"):
            return "overkill"
        return "escape" if self.max_escape is None and self.small == "macs" else None

    def describe(self) -> str:
        """Return the goal in words."""
        limits = describe_limits(self.max_escape, self.max_overkill)
        if self.max_cost is not None:
            limits.append(f"expected cost at most {self.max_cost.describe()}")
        if self.cost_ratio is not None:
            return "; ".join(
                [
                    " and ".join(limits),
                    f"least cost of errors, an escape counting as {self.cost_ratio:g} overkills",
                ]
            )
        words = {"macs": "least expected cost", "errors": "least sum of escape and overkill"}
        return f"{' and '.join(limits)}, {words.get(self.small, f'least {self.small}')}"

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON-ready data, and the goal in words."""
        cost, share = self.max_cost, self.defective_share
        return {
            "words": self.describe(),
            "max_escape": None if self.max_escape is None else float(self.max_escape),
            "max_overkill": None if self.max_overkill is None else float(self.max_overkill),
            "max_cost": None if cost is None else {"amount": float(cost.amount), "relative": cost.relative},
            "cost_ratio": self.cost_ratio,
            "defective_share": None if share is None else float(share),
        }

    def apply(self, table: ExitTable) -> Criterion:
        """Return what the goal means on a set of images.

        Raises:
            UsageProblem: If no thresholds can be so cheap.
        """
        most_macs = None if self.max_cost is None else self.max_cost.to_macs(int(table.macs[-1]))
        if most_macs is not None and most_macs < table.macs[0]:
            raise UsageProblem(
                f"Every frame passes the first exit, which costs {format_macs(int(table.macs[0]))}: "
                f"{format_share(table.macs[0] / table.macs[-1])} of the last one. No thresholds cost less.",
                remedy="Raise --max-cost.",
            )
        defective, normal = table.defective_count, table.normal_count
        most_escapes = allow_images(self.max_escape, defective)
        most_overkills = allow_images(self.max_overkill, normal)
        last = count_last_exit(table)
        if self.held == "escape":
            most_escapes = last.escapes
        elif self.held == "overkill":
            most_overkills = last.overkills
        share = (
            Fraction(defective, defective + normal) if self.defective_share is None else self.defective_share
        )
        return Criterion(
            most_escapes=most_escapes,
            most_overkills=most_overkills,
            most_macs=most_macs,
            small=self.small,
            cost_ratio=self.cost_ratio,
            share=float(share),
            defective=defective,
            normal=normal,
        )


def parse_cost(text: str) -> CostLimit:
    """Return a cost that a person wrote: "60%" or "0.6" of the last exit, or "12.5G" multiply-accumulates.

    Raises:
        UsageProblem: If it is none of these.
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,12})?|\.\d{1,12})\s*(%|[KMGT]?)\s*", text)
    if found is not None:
        amount, unit = Fraction(found[1]), found[2]
        relative = unit in ("", "%")
        amount = amount / 100 if unit == "%" else amount * _UNITS.get(unit, 1)
        if amount > 0 and (amount <= 1 or not relative):
            return CostLimit(amount, relative)
    raise UsageProblem(
        f"{text!r} is no cost of a frame.",
        remedy="Write a share of what the last exit costs, such as 60%, or multiply-accumulates, such as 12.5G.",
    )


def format_macs(macs: float) -> str:
    """Return multiply-accumulates with three digits, such as "12.5 GMAC"."""
    for unit, size in reversed(_UNITS.items()):
        if macs >= size:
            return f"{macs / size:.3g} {unit}MAC"
    return f"{macs:.3g} MAC"
