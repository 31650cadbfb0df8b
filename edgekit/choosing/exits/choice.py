"""From what the exits make of images to a choice: which thresholds, and what may be said of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice

from edgekit.choosing.confidence import Support, judge_support
from edgekit.choosing.exits.criterion import Criterion
from edgekit.choosing.exits.goal import ExitGoal
from edgekit.choosing.exits.held_out import count_held_out
from edgekit.choosing.exits.judged import JudgedExits, judge_exits, list_judged
from edgekit.choosing.exits.search import search_exits
from edgekit.choosing.exits.table import ExitCount, ExitTable, count_last_exit, count_thresholds
from edgekit.choosing.exits.trade_off import list_series, trace_trade_off
from edgekit.choosing.image_rates import count_wrong_groups
from edgekit.choosing.known_images import KnownImages


@dataclass(frozen=True, eq=False)
class ExitChoice:
    """What was chosen for a goal, and how it compares.

    Attributes:
        goal: What was asked for.
        criterion: What that means on these images.
        names: The stages of the exits.
        reached: Whether the limits hold on these images, and both kinds of image are told apart at all.
        chosen: The best that there is, reached or not.
        before: What the bundle's own thresholds do on the same images.
        last: What every frame through the last exit does.
        held_out: What such a choice does on images that had no part in it; None where there are too few things.
        frontier: The trade-off of escapes and cost, by rising cost (`trace_trade_off`).
        series: Thresholds that people know, whatever they do here (`list_series`).
        support: Per limit of an error, whether so many images support it.
        counted: Combinations of thresholds that were counted.
        exhausted: Whether no other thresholds do better on these images.
    """

    goal: ExitGoal
    criterion: Criterion
    names: tuple[str, ...]
    reached: bool
    chosen: JudgedExits
    before: JudgedExits
    last: JudgedExits
    held_out: JudgedExits | None
    frontier: tuple[JudgedExits, ...]
    series: tuple[JudgedExits, ...]
    support: tuple[Support, ...]
    counted: int
    exhausted: bool


def choose_exits(
    table: ExitTable, images: KnownImages, goal: ExitGoal, *, mm_per_px: float | None
) -> ExitChoice:
    """Search the thresholds of exits for a goal.

    Args:
        table: What the exits make of the images.
        images: The images.
        goal: What is asked for.
        mm_per_px: Where it is known.

    Raises:
        UsageProblem: If the goal cannot be reached by any thresholds.
    """
    criterion = goal.apply(table)
    outcome = search_exits(table, criterion)
    held_out = count_held_out(table, images.groups, goal)
    counts = {
        "chosen": [outcome.chosen],
        "before": [count_thresholds(table, table.thresholds)],
        "last": [count_last_exit(table)],
        "held out": [] if held_out is None else [held_out],
        "frontier": trace_trade_off(table, criterion, outcome.chosen),
        "series": [count_thresholds(table, one) for one in list_series(table.exits)],
    }
    # All at once: drawing groups for intervals takes longer than the search.
    judged = iter(judge_exits([*chain(*counts.values())], table, criterion, images, mm_per_px=mm_per_px))
    points = {name: tuple(islice(judged, len(some))) for name, some in counts.items()}
    return ExitChoice(
        goal=goal,
        criterion=criterion,
        names=table.names,
        reached=criterion.holds(outcome.chosen),
        chosen=points["chosen"][0],
        before=points["before"][0],
        last=points["last"][0],
        held_out=points["held out"][0] if points["held out"] else None,
        frontier=points["frontier"],
        series=points["series"],
        support=_judge_limits(outcome.chosen, table, images, goal),
        counted=outcome.counted,
        exhausted=outcome.exhausted,
    )


def _judge_limits(
    count: ExitCount, table: ExitTable, images: KnownImages, goal: ExitGoal
) -> tuple[Support, ...]:
    judged = list_judged(count, table, images)
    limits = (("escape", goal.max_escape, True), ("overkill", goal.max_overkill, False))
    return tuple(
        judge_support(what, limit, *count_wrong_groups(judged, images.groups, defective=defective))
        for what, limit, defective in limits
        if limit is not None
    )
