"""Small charts as inline SVG: they follow the page's colours and say in words what they show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

BINS = 20
BAR_PX, GAP_PX, HEIGHT_PX = 7, 1, 34


def draw_bar(share: float, words: str) -> str:
    """Return a horizontal bar for a share in 0…1."""
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{escape(words)}">'
        f'<rect class="track" width="100" height="10"/><rect class="fill" width="{100 * share:.2f}" height="10"/></svg>'
    )


def draw_histogram(values: Sequence[float], largest: float, words: str) -> str:
    """Return a histogram with logarithmic bins from 1 to `largest`, so that charts of one page compare.

    Args:
        values: What to count, each at least 1.
        largest: Where the axis ends.
        words: What the chart shows.
    """
    counts = count_logarithmic(values, largest)
    top = max(counts, default=0) or 1
    bars = "".join(
        f'<rect class="fill" x="{index * (BAR_PX + GAP_PX)}" y="{HEIGHT_PX - height:.1f}" width="{BAR_PX}" '
        f'height="{height:.1f}"/>'
        for index, count in enumerate(counts)
        if (height := count and max(2.0, HEIGHT_PX * count / top))
    )
    width = BINS * (BAR_PX + GAP_PX)
    line = f'<rect class="track" y="{HEIGHT_PX}" width="{width}" height="1"/>'
    return (
        f'<svg class="histogram" width="{width}" height="{HEIGHT_PX + 1}" role="img" '
        f'aria-label="{escape(words)}">{line}{bars}</svg>'
    )


def count_logarithmic(values: Sequence[float], largest: float) -> list[int]:
    """Return the number of values in each of 20 bins of equal ratio from 1 to `largest`."""
    edges = np.geomspace(1, max(largest, 2), BINS + 1)
    edges[-1] = max(largest, 2)  # rounding must not leave the largest value out
    counts: list[int] = np.histogram(values, edges)[0].tolist()
    return counts
