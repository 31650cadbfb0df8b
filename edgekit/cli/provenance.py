"""Weights that are not the user's own announce themselves."""

from __future__ import annotations

from edgekit.reporting import Reporter

NOTES = {
    "demo": "Demo weights: trained on generated images only. Train on your own images before you trust a verdict.",
    "untrained": "Untrained weights: random numbers, for measuring speed only. Verdicts mean nothing.",
}


def announce(kind: str, reporter: Reporter) -> None:
    """Say on stderr when weights are demo or untrained ones."""
    if kind in NOTES:
        reporter.note(f"note: {NOTES[kind]}")


def mark(kind: str) -> str:
    """Return what a line of results says of such weights; nothing for the user's own."""
    return f" [{kind} weights]" if kind in NOTES else ""
