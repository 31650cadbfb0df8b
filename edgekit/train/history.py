"""What the history of a run says: its entries by phase, the best of them, and whether a phase is over.

An entry is what RUN/metrics.jsonl says of an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.train.recipe import Recipe

Entry = dict[str, Any]


def entries_of(history: Sequence[Entry], phase: str | None) -> list[Entry]:
    """Return the epochs of a phase; entries of a run without phases name none."""
    return [entry for entry in history if entry.get("phase") == phase]


def score_of(entry: Entry, name: str) -> float:
    """Return the value of the deciding figure; one without a value is worse than all others."""
    value = entry[name]
    return -1.0 if value is None else float(value)


def find_best(entries: Sequence[Entry], name: str) -> Entry:
    """Return the entry of the largest score, the first among equals."""
    return max(entries, key=lambda entry: score_of(entry, name))


def is_over(entries: Sequence[Entry], recipe: Recipe, name: str) -> bool:
    """Return whether the epochs of a phase are done, or its patience is at an end.

    Args:
        entries: Of the phase.
        recipe: What the phase trains by.
        name: Of the deciding figure.
    """
    if len(entries) >= recipe.epochs:
        return True
    if recipe.patience is None or not entries:
        return False
    since = int(entries[-1]["epoch"]) - int(find_best(entries, name)["epoch"])
    return since >= recipe.patience
