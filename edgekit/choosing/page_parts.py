"""What the pages of all choices share: what they are about, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from edgekit.choosing.wording import describe_source

INTERVALS = (
    "Intervals are Wilson's, and where images show the same thing as much wider as drawing things instead of images "
    "makes them; where all images of a kind are judged alike, each thing counts once."
)


def render_lead(document: Mapping[str, Any], goal: str, *, reached: bool) -> list[str]:
    """Return two paragraphs: images, backend and weights; the goal and whether it was reached."""
    lead = (
        f"{describe_source(document)}. Run by {document['backend']}, {document['precision']}, "
        f"{document['provenance']} weights."
    )
    outcome = "reached" if reached else "not reached: nothing was written"
    return [f"<p>{escape(lead)}</p>", f"<p>Goal: <b>{escape(goal)}</b> ({outcome}).</p>"]


def render_reading(lines: Sequence[str]) -> list[str]:
    """Return the last part of a page."""
    return ["<h2>How to read it</h2>", "<ul>", *(f"<li>{escape(line)}</li>" for line in lines), "</ul>"]
