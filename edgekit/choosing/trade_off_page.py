"""The page of a choice: the trade-off as a chart and a table, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.choosing.choice import Choice
from edgekit.choosing.page_frame import render_table, write_page
from edgekit.choosing.page_parts import INTERVALS, render_lead, render_reading
from edgekit.choosing.trade_off_chart import draw_trade_off
from edgekit.choosing.wording import describe_point, list_header, list_statements

READING = (
    "Orange is what was chosen, with its 95 % intervals; the ring is the bundle as it was; blue are all points that no "
    "other measured one beats; dashed red are the limits that were asked for. Both axes go by the square root.",
    "Escape: a defective image without a region that counts is accepted. Overkill: a defect-free image with such a "
    "region is rejected. A region that counts has at least the least area; where it lies is not asked.",
    "The trade-off is that of the thresholds that were run, which lie where the goal is: elsewhere better points may "
    "lie between them.",
    INTERVALS,
)


def write_trade_off_page(path: Path, choice: Choice, document: Mapping[str, Any]) -> None:
    """Write the page of a choice.

    Args:
        path: Such as trade-off.html.
        choice: What was chosen.
        document: The document of the same choice.

    Raises:
        IoFault: If the disk refuses.
    """
    name = "chosen" if choice.reached else "best"
    rows = [(name, choice.chosen), ("before", choice.before), *(("", point) for point in choice.frontier)]
    header = list_header(choice)
    content = [
        *render_lead(document, choice.goal.describe(), reached=choice.reached),
        draw_trade_off(choice),
        "<h2>Trade-off</h2>",
        render_table(header, [(label, *describe_point(point)) for label, point in rows], numbers=(1, 2)),
        *render_reading((*READING, *list_statements(choice))),
    ]
    write_page(path, f"{Path(str(document['target'])).name}: threshold and least area", content)
