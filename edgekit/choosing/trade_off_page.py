"""The page of a choice: the trade-off as a chart and a table, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from edgekit.choosing.choice import Choice
from edgekit.choosing.page_frame import render_table, write_page
from edgekit.choosing.trade_off_chart import draw_trade_off
from edgekit.choosing.wording import describe_point, list_header, list_statements

READING = (
    "Orange is what was chosen, with its 95 % intervals; the ring is the bundle as it was; blue are all points that no "
    "other measured one beats; dashed red are the limits that were asked for. Both axes go by the square root.",
    "Escape: a defective image without a region that counts is accepted. Overkill: a defect-free image with such a "
    "region is rejected. A region that counts has at least the least area; where it lies is not asked.",
    "The trade-off is that of the thresholds that were run, which lie where the goal is: elsewhere better points may "
    "lie between them.",
    "Intervals are Wilson's, and where images show the same thing as much wider as drawing things instead of images "
    "makes them; where all images of a kind are judged alike, each thing counts once.",
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
    images = document["images"]
    outcome = "reached" if choice.reached else "not reached: nothing was written"
    lead = (
        f"{document['data']}, {document['split']} part: {images['defective']:,} defective and {images['normal']:,} "
        f"defect-free images of {images['groups']:,} things. Run by {document['backend']}, {document['precision']}, "
        f"{document['provenance']} weights."
    )
    name = "chosen" if choice.reached else "best"
    rows = [(name, choice.chosen), ("before", choice.before), *(("", point) for point in choice.frontier)]
    header = list_header(choice)
    content = [
        f"<p>{escape(lead)}</p>",
        f"<p>Goal: <b>{escape(choice.goal.describe())}</b> ({outcome}).</p>",
        draw_trade_off(choice),
        "<h2>Trade-off</h2>",
        render_table(header, [(label, *describe_point(point)) for label, point in rows], numbers=(1, 2)),
        "<h2>How to read it</h2>",
        "<ul>",
        *(f"<li>{escape(line)}</li>" for line in (*READING, *list_statements(choice))),
        "</ul>",
    ]
    write_page(path, f"{Path(str(document['target'])).name}: threshold and least area", content)
