"""The rules of the verdict in pixels: how large a region must be to count, and how many of them a part may have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from edgekit_runtime.bundle import ClassRule, Manifest, VerdictRules
from edgekit_runtime.bundle.rule_checks import find_rule_faults
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.results import Region

_LARGEST = 1 << 62
"""Pixels and rows beyond what any web has, with which numbers of 64 bits can still be calculated."""

_WITHOUT_SCALE = (
    "Give areas in px, or say the scale: `edgekit rules BUNDLE --mm-per-px MM --out NEW.edgekit`."
)


@dataclass(frozen=True)
class Quota:
    """How many regions of a class, or of several together, a part may have."""

    label: str | None
    """The class; None for all that have no rule of their own, together."""
    alone: bool
    """Whether no class has a rule of its own, so that "regions" says enough."""
    least_px: int
    """Smaller regions do not count."""
    max_regions: int
    window_mm: float | None
    window_px: int
    """Rows of web up to the part's end in which the regions are counted; the part's own at least."""


Quotas = Mapping[str, Quota]
"""Class name → its quota; classes without a rule of their own share one."""


def make_quotas(rules: VerdictRules, classes: Sequence[str], mm_per_pixel: float | None) -> Quotas:
    """Return the rules in pixels.

    Args:
        rules: As a manifest holds them, or checked by `check_rules`.
        classes: Names of all classes.
        mm_per_pixel: None where the scale is not known.

    Raises:
        UsageProblem: If a rule is in millimetres and the scale is not known.
    """
    shared = _make_quota(None, rules.others, rules, mm_per_pixel)
    own = {label: _make_quota(label, rule, rules, mm_per_pixel) for label, rule in rules.classes.items()}
    return {label: own.get(label, shared) for label in classes}


def leave_out_small(regions: Sequence[Region], quotas: Quotas) -> tuple[Region, ...]:
    """Return the regions that count, in their order."""
    return tuple(region for region in regions if region.area_px >= quotas[region.label].least_px)


def override_rules(
    rules: VerdictRules, *, connectivity: int | None = None, min_area_px: int | None = None
) -> VerdictRules:
    """Return the rules with what was asked for in their place; None leaves them.

    Args:
        rules: Of a bundle, say.
        connectivity: 8 or 4.
        min_area_px: The least area of every class: it stands in for those in mm², too.
    """
    if connectivity is not None:
        rules = replace(rules, connectivity=4 if connectivity == 4 else 8)
    if min_area_px is None:
        return rules
    return replace(
        rules,
        classes={label: _override_area(rule, min_area_px) for label, rule in rules.classes.items()},
        others=_override_area(rules.others, min_area_px),
    )


def check_rules(rules: VerdictRules, manifest: Manifest) -> None:
    """Raise UsageProblem unless a bundle of this manifest could hold the rules."""
    fault = next(find_rule_faults(replace(manifest, rules=rules)), None)
    if fault is not None:
        needs_scale = fault.endswith("which is not known")
        raise UsageProblem(
            f"These rules do not fit the bundle: {fault}.",
            remedy=_WITHOUT_SCALE if needs_scale else "Mend the rule that the message names.",
        )


def _make_quota(label: str | None, rule: ClassRule, rules: VerdictRules, mm_per_pixel: float | None) -> Quota:
    return Quota(
        label=label,
        alone=not rules.classes,
        least_px=min(
            max(rule.min_area_px, _count_pixels("min_area_mm2", rule.min_area_mm2, mm_per_pixel, 2)),
            _LARGEST,
        ),
        max_regions=rule.max_regions,
        window_mm=rule.window_mm,
        window_px=min(_count_pixels("window_mm", rule.window_mm, mm_per_pixel, 1), _LARGEST),
    )


def _count_pixels(what: str, limit: float | None, mm_per_pixel: float | None, power: int) -> int:
    """Return the least number of pixels that are not below a limit in mm (power 1) or mm² (power 2).

    Of the decimals that a person wrote, exactly: in doubles, 0.27 mm² at 0.3 mm per pixel may be four pixels.
    """
    if limit is None:
        return 0
    if not math.isfinite(limit):
        raise UsageProblem(f"A rule has {what} = {limit:g}.", remedy="Give a number, or None for no limit.")
    if mm_per_pixel is None:
        raise UsageProblem(
            f"A rule has {what} = {limit:g}, and how many mm a pixel is wide is not known.",
            remedy=_WITHOUT_SCALE,
        )
    return math.ceil(Fraction(repr(float(limit))) / Fraction(repr(float(mm_per_pixel))) ** power)


def _override_area(rule: ClassRule, min_area_px: int) -> ClassRule:
    return replace(rule, min_area_px=min_area_px, min_area_mm2=None)
