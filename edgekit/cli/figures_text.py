"""How commands write figures: shares with the counts behind them, numbers without a value, tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from edgekit.evaluation.rates import Rate


def write_rate(rate: Rate, *, interval: bool = False) -> str:
    """Return a share with the counts behind it, and what their number allows to say of it."""
    if rate.value is None:
        return "none (no case)"
    text = f"{rate.value:.4f} ({rate.count} of {rate.total})"
    if interval and rate.interval is not None:
        text += f", 95 % {rate.interval[0]:.3f} to {rate.interval[1]:.3f}"
    return text


def write_number(value: float | None) -> str:
    """Return four digits, or "none" where a figure has no value."""
    return "none" if value is None or math.isnan(value) else f"{value:.4f}"


def align_table(table: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the rows of a table, indented, with their cells below one another."""
    rows = tuple(table)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
