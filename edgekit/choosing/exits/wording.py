"""A choice of exits in words: tables for a terminal, and what may be said of it."""

from __future__ import annotations

from edgekit.choosing.exits.choice import ExitChoice
from edgekit.choosing.exits.goal import format_macs
from edgekit.choosing.exits.held_out import FOLDS
from edgekit.choosing.exits.judged import JudgedExits
from edgekit.choosing.goal import format_share
from edgekit.choosing.wording import (
    OPTIMISM,
    ROWS,
    align_columns,
    describe_rates,
    list_rate_heads,
    thin_frontier,
)
from edgekit.models.catalogue import EXIT_THRESHOLDS

Rows = list[tuple[str, ...]]

HELD_OUT = (
    f"Chosen and measured on the same images. Held out: chosen on the things of {FOLDS - 1} folds and counted on those "
    "of the other, in turns: expect that of other images, and measure there (`edgekit eval`)."
)

OWN = "DI-Net's own"
HEADER = ("", "thresholds", "expected cost")


def describe_exits(choice: ExitChoice) -> list[str]:
    """Return the tables and the statements, one line each."""
    compared = tabulate_compared(choice)
    rows = [
        *compared,
        *tabulate("", thin_frontier(choice.frontier, ROWS)),
        *tabulate_series(choice),
    ]
    head, *lines = align_columns([list_header(choice), *rows])
    first, second = len(compared), len(lines) - len(choice.series)
    return [
        head,
        *lines[:first],
        "trade-off:",
        *lines[first:second],
        "decreasing thresholds:",
        *lines[second:],
        "",
        *align_columns(tabulate_answers(choice)),
        "",
        *list_statements(choice),
    ]


def list_header(choice: ExitChoice) -> tuple[str, ...]:
    """Return the heads of the columns."""
    return (*HEADER, *list_rate_heads(choice.chosen))


def name_best(choice: ExitChoice) -> str:
    """Return what the best is called: it is chosen only where it reaches the goal."""
    return "chosen" if choice.reached else "best"


def tabulate_compared(choice: ExitChoice) -> Rows:
    """Return the rows of what is compared: before, all frames to the last exit, chosen, the same on images held out."""
    return [
        *tabulate("before", [choice.before]),
        *tabulate("last exit", [choice.last], "every frame"),
        *tabulate(name_best(choice), [choice.chosen]),
        *([] if choice.held_out is None else tabulate("held out", [choice.held_out], f"of {FOLDS} folds")),
    ]


def tabulate_series(choice: ExitChoice) -> Rows:
    """Return the rows of thresholds that people know, the paper's marked."""
    return [
        row
        for one in choice.series
        for row in tabulate(OWN if one.thresholds == EXIT_THRESHOLDS else "", [one])
    ]


def tabulate(name: str, points: list[JudgedExits], words: str = "") -> Rows:
    """Return a row for each choice, in the order of `list_header`; `words` stand where thresholds do not."""
    return [
        (name, describe_thresholds(point) or words, describe_cost(point), *describe_rates(point))
        for point in points
    ]


def tabulate_answers(choice: ExitChoice) -> Rows:
    """Return a table, its head first: which share of the images each exit answers."""
    rows: Rows = [("answered by", "", *choice.names)]
    for name, point in (("before", choice.before), (name_best(choice), choice.chosen)):
        for kind, counts in (("defect-free", point.normal_exits), ("defective", point.defective_exits)):
            rows.append((name, kind, *(format_share(count / sum(counts)) for count in counts)))
    return rows


def describe_thresholds(point: JudgedExits) -> str:
    """Return such as "0.84 0.71 0.6 (0.5)", the last one of which only marks low confidence; "" without any."""
    if point.thresholds is None:
        return ""
    *deciding, last = (f"{threshold:g}" for threshold in point.thresholds)
    return f"{' '.join(deciding)} ({last})"


def describe_cost(point: JudgedExits) -> str:
    """Return such as "41.2 % (11.8 GMAC)"."""
    return f"{format_share(point.relative_cost)} ({format_macs(point.macs)})"


def describe_share(choice: ExitChoice) -> str:
    """Return how many frames of the line are taken to be defective."""
    return f"{format_share(choice.criterion.share)} defective frames"


def describe_held(choice: ExitChoice) -> str:
    """Return such as "overkill held to the last exit's 2 of 180"; "" where every error has a limit or is made small."""
    held = choice.goal.held
    return "" if held is None else f"{held} held to the last exit's {_count_held(choice)}"


def _count_held(choice: ExitChoice) -> str:
    most = choice.last.overkill if choice.goal.held == "overkill" else choice.last.escape
    return f"{most.count} of {most.total}"


def list_statements(choice: ExitChoice) -> list[str]:
    """Return what a person must know beside the tables."""
    counted = f"{choice.counted:,} combinations were counted"
    proof = (
        f"No other thresholds do better on these images: {counted}, all others ruled out."
        if choice.exhausted
        else f"Better thresholds may exist: {counted} before the search ended, and not all others ruled out."
    )
    statements = [proof, _state_share(choice)]
    if choice.goal.held is not None:
        statements.append(
            f"No limit of {choice.goal.held} was given: it is held to that of the last exit, {_count_held(choice)}. "
            f"--max-{choice.goal.held} allows more, or less."
        )
    statements += [f"{each.describe()}." for each in choice.support]
    caution = OPTIMISM if choice.held_out is None else HELD_OUT
    return [*statements, caution, "Cost is counted in multiply-accumulates; `edgekit bench` measures time."]


def _state_share(choice: ExitChoice) -> str:
    chosen = choice.chosen
    if choice.goal.defective_share is not None:
        return f"The expected cost is that of {describe_share(choice)}, as was said."
    return (
        f"The expected cost is that of {describe_share(choice)}, as in these images. A line may show far fewer, and "
        f"defect-free frames cost {format_macs(chosen.normal_macs)}, defective ones "
        f"{format_macs(chosen.defective_macs)}: say how many with --defective-share 1%."
    )
