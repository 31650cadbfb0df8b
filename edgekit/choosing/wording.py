"""A choice in words: a table for a terminal, and what may be said of it; the pieces serve choices of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from edgekit.choosing.choice import Choice
from edgekit.choosing.goal import format_share
from edgekit.choosing.image_rates import ImageRates, Interval
from edgekit.choosing.judged import JudgedPoint
from edgekit.evaluation.rates import Rate

Point = TypeVar("Point")

ROWS = 12
"""Most rows of the trade-off."""

HEADER = ("", "threshold", "least area")
RATE_HEADS = ("escape (95 %)", "overkill (95 %)")
PER_METRE = "per metre"

OPTIMISM = (
    "Chosen and measured on the same images: expect somewhat more of both errors on others, and measure there "
    "(`edgekit eval`)."
)


def describe_choice(choice: Choice) -> list[str]:
    """Return the table and the statements, one line each."""
    rows = [
        ("before", choice.before),
        ("chosen" if choice.reached else "best", choice.chosen),
        *(("", point) for point in thin_frontier(choice.frontier, ROWS)),
    ]
    lines = align_columns([list_header(choice), *((name, *describe_point(point)) for name, point in rows)])
    return [*lines[:3], "trade-off:", *lines[3:], "", *list_statements(choice)]


def list_header(choice: Choice) -> tuple[str, ...]:
    """Return the heads of the columns."""
    return (*HEADER, *list_rate_heads(choice.chosen))


def list_rate_heads(rates: ImageRates) -> tuple[str, ...]:
    """Return the heads of the columns of rates: the last one only where mm per pixel are known."""
    return RATE_HEADS if rates.per_metre is None else (*RATE_HEADS, PER_METRE)


def describe_point(point: JudgedPoint) -> tuple[str, ...]:
    """Return the cells of one row, in the order of `list_header` after its first."""
    area = f"{point.point.min_area_px:,} px"
    if point.min_area_mm2 is not None:
        area += f" ({point.min_area_mm2:.3g} mm²)"
    return (f"{point.point.threshold:g}", area, *describe_rates(point))


def describe_rates(rates: ImageRates) -> tuple[str, ...]:
    """Return the cells of `list_rate_heads`."""
    cells = (
        describe_rate(rates.escape, rates.escape_interval),
        describe_rate(rates.overkill, rates.overkill_interval),
    )
    metre = rates.per_metre
    if metre is None:
        return cells
    return (*cells, f"{metre.escapes:.3g} escapes, {metre.overkills:.3g} overkills")


def describe_rate(rate: Rate, interval: Interval) -> str:
    """Return such as "2.5 % (0.86–7.1 %), 3 of 120"."""
    low, high = (f"{100 * end:.0f}" if end >= 0.095 else f"{100 * end:.2g}" for end in interval)
    return f"{format_share(rate.value or 0.0)} ({low}–{high} %), {rate.count} of {rate.total}"


def list_statements(choice: Choice) -> list[str]:
    """Return what a person must know beside the table."""
    between = (
        "no threshold between them does better, to a thousandth of their range"
        if choice.exhausted
        else "better ones may lie between them"
    )
    statements = [f"{choice.runs} thresholds were run; {between}."]
    statements += [f"{each.describe()}." for each in choice.support]
    return [*statements, OPTIMISM]


def describe_source(document: Mapping[str, Any]) -> str:
    """Return which images a document is about: "folder:plates, val part: 20 defective and 80 … of 100 things"."""
    images = document["images"]
    return (
        f"{document['data']}, {document['split']} part: {images['defective']:,} defective and {images['normal']:,} "
        f"defect-free images of {images['groups']:,} things"
    )


def thin_frontier(frontier: Sequence[Point], most: int) -> list[Point]:
    """Return at most so many points of the trade-off, its ends among them, evenly by place."""
    if len(frontier) <= most:
        return list(frontier)
    return [frontier[round(step * (len(frontier) - 1) / (most - 1))] for step in range(most)]


def align_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of a table."""
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, columns, strict=True)).rstrip()
        for row in rows
    ]
