"""Charts as inline SVG: they take their colours from the page, and say in words what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edgekit_benchmarks.axes import LogScale, fit_scale, format_number, list_ticks, stretch_tail
from edgekit_benchmarks.ratios import Ratio
from edgekit_benchmarks.scaling import CostFit

WIDTH, LEFT, RIGHT = 760, 64, 16
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "1 4", "12 4")
"""Of the series in order: they are told apart without colour, too."""

MOST_POINTS = 240
COLOURS = 7


def draw_latencies(series: Mapping[str, Sequence[float]]) -> str:
    """Return the latencies of several contestants over the percentile, the tail stretched.

    Args:
        series: Name → times in ms, increasing.
    """
    height, top, bottom = 320, 12, 276
    largest = max(len(times) for times in series.values())
    scale = fit_scale([time for times in series.values() for time in (times[0], times[-1])], bottom, top)
    parts = [_draw_levels(scale, "ms")]
    for label, share in (
        ("50 %", 0.5),
        ("90 %", 0.9),
        ("99 %", 0.99),
        ("99.9 %", 0.999),
        ("99.99 %", 0.9999),
    ):
        if share <= 1 - 0.5 / largest:
            x = LEFT + stretch_tail(share, largest) * (WIDTH - LEFT - RIGHT)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
                f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>'
            )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{bottom + 38}" text-anchor="end">share of the calls</text>')
    for index, times in enumerate(series.values()):
        points = " ".join(
            f"{LEFT + stretch_tail(share, largest) * (WIDTH - LEFT - RIGHT):.1f},{scale.place(time):.1f}"
            for share, time in _thin(times, largest)
        )
        parts.append(f'<polyline class="series {_style(index)} points="{points}"/>')
    words = "Latency over the share of calls: " + ", ".join(
        f"{name} from {format_number(times[0])} to {format_number(times[-1])} ms"
        for name, times in series.items()
    )
    return _wrap(parts, height, words) + _draw_legend(list(series))


def _thin(times: Sequence[float], largest: int) -> list[tuple[float, float]]:
    """Return (share, time) of the samples that can be told apart on the stretched axis; the last one always."""
    kept: list[tuple[float, float]] = []
    last = -1.0
    for rank, time in enumerate(times):
        # The middle of the sample's step: the largest of n has no share of 1.
        share = (rank + 0.5) / len(times)
        place = stretch_tail(share, largest)
        if place - last >= 1 / MOST_POINTS or rank == len(times) - 1:
            kept.append((share, time))
            last = place
    return kept


def draw_ratios(ratios: Mapping[str, Ratio]) -> str:
    """Return one interval per peer, on a logarithmic axis that shows 1.

    Args:
        ratios: Peer → its time over the subject's.
    """
    row, left, top = 30, 190, 8
    bottom = top + row * len(ratios)
    ends = [end for ratio in ratios.values() for end in (ratio.low, ratio.high)]
    scale = fit_scale([*ends, 1.0], left, WIDTH - 90)
    parts = []
    for tick in list_ticks(scale):
        x = scale.place(tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{format_number(tick)}×</text>'
        )
    one = scale.place(1.0)
    parts.append(f'<line class="one" x1="{one:.1f}" y1="{top}" x2="{one:.1f}" y2="{bottom}"/>')
    for index, (name, ratio) in enumerate(ratios.items()):
        y = top + row * (index + 0.5)
        low, high, middle = (scale.place(value) for value in (ratio.low, ratio.high, ratio.median))
        colour = f"c{(index + 1) % COLOURS}"
        parts.append(
            f'<text x="{left - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>'
            f'<line class="interval {colour}" x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}"/>'
            f'<circle class="dot {colour}" cx="{middle:.1f}" cy="{y:.1f}" r="5"/>'
            f'<text class="strong" x="{WIDTH - 4}" y="{y + 4:.1f}" text-anchor="end">{ratio.median:.2f}×</text>'
        )
    words = "How many times faster the subject is: " + ", ".join(
        f"{name} {ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" for name, ratio in ratios.items()
    )
    return _wrap(parts, bottom + 30, words)


def draw_split(parts_ms: Mapping[str, float]) -> str:
    """Return one bar that is divided as the time of a call is.

    Args:
        parts_ms: Part → ms.
    """
    total = sum(parts_ms.values())
    x, drawn = 0.0, []
    for index, value in enumerate(parts_ms.values()):
        width = WIDTH * value / total if total else 0.0
        drawn.append(
            f'<rect class="part c{index % COLOURS}" x="{x:.1f}" y="0" width="{width:.1f}" height="26"/>'
        )
        x += width
    shares = [
        f"{name} {format_number(value)} ms ({value / total:.0%})" if total else name
        for name, value in parts_ms.items()
    ]
    return _wrap(drawn, 26, "Where the time goes: " + ", ".join(shares)) + _draw_legend(shares, swatch=True)


def draw_scaling(fit: CostFit) -> str:
    """Return the measured points, and the fit as one line per G, over the pixels of a call; both axes logarithmic.

    Args:
        fit: Of one family.
    """
    height, top, bottom = 300, 12, 256
    areas = fit_scale([point.area / 1e6 for point in fit.points], LEFT, WIDTH - RIGHT)
    steps = [areas.low * (areas.high / areas.low) ** (step / 60) for step in range(61)]
    widths = sorted({point.width for point in fit.points})
    lines = {width: [(x, fit.predict(x * 1e6, width)) for x in steps] for width in widths}
    measured = [point.time_ms for point in fit.points]
    times = fit_scale([*measured, *(time for line in lines.values() for _, time in line)], bottom, top)
    parts = [_draw_levels(times, "ms")]
    for tick in list_ticks(areas):
        x = areas.place(tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{format_number(tick)}</text>'
        )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{bottom + 38}" text-anchor="end">megapixels per call</text>')
    for index, line in enumerate(lines.values()):
        points = " ".join(f"{areas.place(x):.1f},{times.place(time):.1f}" for x, time in line)
        parts.append(f'<polyline class="series {_style(index)} points="{points}"/>')
    for point in fit.points:
        x, y = areas.place(point.area / 1e6), times.place(point.time_ms)
        parts.append(
            f'<circle class="dot c{widths.index(point.width) % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="5">'
            f"<title>{escape(point.label)}: {format_number(point.time_ms)} ms</title></circle>"
        )
    words = "Time of the network over size: " + ", ".join(
        f"{point.label} {format_number(point.time_ms)} ms" for point in fit.points
    )
    return _wrap(parts, height, words) + _draw_legend([f"G = {width}" for width in widths])


def _draw_levels(scale: LogScale, unit: str) -> str:
    return "".join(
        f'<line class="grid" x1="{LEFT}" y1="{scale.place(tick):.1f}" x2="{WIDTH - RIGHT}" '
        f'y2="{scale.place(tick):.1f}"/><text x="{LEFT - 8}" y="{scale.place(tick) + 4:.1f}" text-anchor="end">'
        f"{format_number(tick)} {unit}</text>"
        for tick in list_ticks(scale)
    )


def _style(index: int) -> str:
    """Return the end of a class attribute, and the dashes, of a series."""
    dash = DASHES[index % len(DASHES)]
    return f'c{index % COLOURS}"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _draw_legend(names: Sequence[str], *, swatch: bool = False) -> str:
    items = []
    for index, name in enumerate(names):
        mark = (
            f'<rect class="part c{index % COLOURS}" width="14" height="14"/>'
            if swatch
            else f'<line class="series {_style(index)} x1="0" y1="7" x2="30" y2="7"/>'
        )
        width = 14 if swatch else 30
        items.append(
            f'<li><svg width="{width}" height="14" aria-hidden="true">{mark}</svg> {escape(name)}</li>'
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _wrap(parts: Sequence[str], height: float, words: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(words)}">'
        f"{''.join(parts)}</svg>"
    )
