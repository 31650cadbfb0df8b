"""The page of a choice of exits: escapes over the expected cost as a chart, tables, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.choosing.exits.choice import ExitChoice
from edgekit.choosing.exits.judged import JudgedExits
from edgekit.choosing.exits.wording import (
    OWN,
    describe_cost,
    describe_thresholds,
    list_header,
    list_statements,
    tabulate,
    tabulate_answers,
    tabulate_compared,
    tabulate_series,
)
from edgekit.choosing.page_frame import render_table, wrap_chart, write_page
from edgekit.choosing.page_parts import INTERVALS, render_lead, render_reading
from edgekit.choosing.plot import HEIGHT, WIDTH, Place, Plot
from edgekit.choosing.wording import describe_rates
from edgekit.models.catalogue import EXIT_THRESHOLDS

PLOT = Plot(
    across=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    up=(0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0),
    root_across=False,
)

READING = (
    "Orange is what was chosen, with its 95 % interval; the ring is the bundle as it was, the small ring every frame "
    "through the last exit; dashed red are the limits that were asked for. Recall is 100 % minus escape, which goes by "
    "the square root.",
    "Blue is the trade-off: the cheapest thresholds that were found for a number of escapes, none with more overkill "
    "than is allowed or than was chosen. It was looked for at some numbers only: between them, and with other "
    "overkill, better points may lie.",
    "Green are decreasing thresholds whatever they do here: 0.9, 0.8 … 0.2 at the first exit and 0.1 less at each "
    "further one. With four exits the second are DI-Net's own, (0.8, 0.7, 0.6, 0.5).",
    "Escape: a defective image that the answering exit calls defect-free. Overkill: a defect-free one that it does "
    "not. An exit answers what it is at least as sure of as its threshold says; the last one answers what is left, and "
    "its threshold only marks low confidence.",
    "The expected cost is in multiply-accumulates, of what a frame costs that goes through all stages.",
    INTERVALS,
)


def write_exit_page(path: Path, choice: ExitChoice, document: Mapping[str, Any]) -> None:
    """Write the page of a choice.

    Args:
        path: Such as trade-off.html.
        choice: What was chosen.
        document: The document of the same choice.

    Raises:
        IoFault: If the disk refuses.
    """
    header = list_header(choice)
    answers = tabulate_answers(choice)
    content = [
        *render_lead(document, choice.goal.describe(), reached=choice.reached),
        draw_exits(choice),
        "<h2>Compared</h2>",
        render_table(header, tabulate_compared(choice)),
        "<h2>Which exit answers</h2>",
        render_table(answers[0], answers[1:], numbers=range(2, len(answers[0]))),
        "<h2>Trade-off</h2>",
        render_table(header, tabulate("", list(choice.frontier))),
        "<h2>Decreasing thresholds</h2>",
        render_table(header, tabulate_series(choice)),
        *render_reading((*READING, *list_statements(choice))),
    ]
    write_page(path, f"{Path(str(document['target'])).name}: thresholds of the exits", content)


def draw_exits(choice: ExitChoice) -> str:
    """Return the chart as inline SVG."""
    goal, chosen = choice.goal, choice.chosen
    cost, _ = _place(chosen)
    limit = choice.criterion.most_macs
    # The last exit's cost is its multiply-accumulates: with every frame there, both are the same.
    parts = [
        *PLOT.draw_axes(
            "expected cost of a frame, of the last exit's", "escape (upwards): defective images accepted"
        ),
        PLOT.draw_limits(
            None if limit is None else min(limit / choice.last.macs, 1.0),
            None if goal.max_escape is None else float(goal.max_escape),
        ),
        PLOT.draw_steps([_place(point) for point in choice.frontier]),
        *(_draw_dot(point, "dot c0", 4) for point in choice.frontier),
        _draw_dot(choice.last, "hollow", 4),
        _draw_dot(choice.before, "hollow", 7),
        *(_draw_dot(point, "dot c2", 4) for point in choice.series),
        *(
            PLOT.draw_label(_place(point), OWN)
            for point in choice.series
            if point.thresholds == EXIT_THRESHOLDS
        ),
        PLOT.draw_interval((cost, cost), chosen.escape_interval),
        _draw_dot(chosen, "dot c1", 7),
    ]
    words = "Escape over expected cost. " + " ".join(
        f"{name}: escape {point.escape.value:.3f}, cost {point.relative_cost:.3f}."
        for name, point in (("Chosen", chosen), ("Before", choice.before), ("Last exit", choice.last))
    )
    return wrap_chart(parts, WIDTH, HEIGHT, words)


def _place(point: JudgedExits) -> Place:
    return point.relative_cost, point.escape.value or 0.0


def _draw_dot(point: JudgedExits, style: str, radius: int) -> str:
    escape, overkill = describe_rates(point)[:2]
    name = describe_thresholds(point) or "every frame"
    title = f"{name}: {describe_cost(point)}; escape {escape}; overkill {overkill}"
    return PLOT.draw_dot(_place(point), style, radius, title)
