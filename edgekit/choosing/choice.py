"""From a bundle and images to a choice: which threshold, which least area, and what may be said of them."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.choosing.areas import find_label, find_rule, find_threshold
from edgekit.choosing.confidence import Support, judge_support
from edgekit.choosing.goal import Goal
from edgekit.choosing.judged import JudgedPoint, count_groups, judge_point
from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.operating_points import OperatingPoint, Sweep, count_point, find_frontier, rank_point
from edgekit.choosing.search import Measure, SearchOutcome, search_threshold
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.quotas import make_quotas


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for a goal, and how it compares.

    Attributes:
        goal: What was asked for.
        reached: Whether the limits hold on these images, and both kinds of image are told apart at all.
        chosen: The best that there is, reached or not.
        before: What the bundle's own threshold and rules do on the same images.
        frontier: The trade-off: no point measured beats one of these in both rates.
        support: Per limit, whether so many images support it.
        runs: Thresholds that were run.
        exhausted: Whether no threshold between those can do better, up to a thousandth of their range.
    """

    goal: Goal
    reached: bool
    chosen: JudgedPoint
    before: JudgedPoint
    frontier: tuple[JudgedPoint, ...]
    support: tuple[Support, ...]
    runs: int
    exhausted: bool


def choose_point(bundle: Bundle, images: KnownImages, measure: Measure, goal: Goal) -> Choice:
    """Search a bundle's threshold and least area for a goal.

    Args:
        bundle: Segments, with one threshold on a logit.
        images: What they are chosen on, defective and defect-free.
        measure: Runs the bundle on these images at a threshold.
        goal: What is asked for.
    """
    manifest = bundle.manifest
    outcome = search_threshold(measure, start=_default_threshold(bundle), goal=goal)
    sweeps = {sweep.threshold: sweep for sweep in outcome.sweeps}

    def judge(point: OperatingPoint) -> JudgedPoint:
        return judge_point(point, sweeps[point.threshold], images, mm_per_px=manifest.input.mm_per_pixel)

    useless, excess, *_ = rank_point(outcome.chosen, outcome.first, goal)
    return Choice(
        goal=goal,
        reached=not useless and not excess,
        chosen=judge(outcome.chosen),
        before=judge(count_point(outcome.first, _least_area(bundle))),
        frontier=tuple(judge(point) for point in find_frontier(outcome.sweeps, outcome.first.threshold)),
        support=_judge_limits(outcome, sweeps[outcome.chosen.threshold], images, goal),
        runs=len(outcome.sweeps),
        exhausted=outcome.exhausted and not find_rule(bundle).max_regions,
    )


def _default_threshold(bundle: Bundle) -> float:
    name = find_threshold(bundle)
    return next(one.default for one in bundle.manifest.thresholds if one.name == name)


def _least_area(bundle: Bundle) -> int:
    """Return the least area that the bundle's own rule asks for, in px."""
    manifest = bundle.manifest
    quotas = make_quotas(manifest.rules, manifest.model.classes, manifest.input.mm_per_pixel)
    return quotas[find_label(bundle)].least_px


def _judge_limits(
    outcome: SearchOutcome, sweep: Sweep, images: KnownImages, goal: Goal
) -> tuple[Support, ...]:
    limits = (("escape", goal.max_escape, True), ("overkill", goal.max_overkill, False))
    return tuple(
        judge_support(what, limit, *count_groups(outcome.chosen, sweep, images, defective=defective))
        for what, limit, defective in limits
        if limit is not None
    )
