"""The page that helps to choose a model: recall over the time of a frame, a table, and how to read them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from edgekit.choosing.measurements import Measurement
from edgekit.choosing.page_frame import render_table, wrap_chart, write_page
from edgekit_benchmarks.axes import LogScale, fit_scale, format_number, list_ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 24, 14, 350
COLOURS = 7
NEAR_PX = 8
LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

HEADER = (*("model", "precision", "set", "recall", "mIoU", "escape", "overkill", "ms", "frame", "backend"),)
NUMBERS = (3, 4, 5, 6, 7)

READING = (
    "Up and to the left is better: more of the true defects found, in less time. A point is one model on one set; what "
    "it does there says little of another set.",
    "Recall is of single defects: a defect counts as found when a tenth of it is covered. Escape and overkill are of "
    "images, at the bundle's own threshold, where found regions below the least area did not count. Shares are means "
    "over the trainings.",
    "ms is the median of one frame of the size that stands beside it, on the machine named below; half the "
    "pixels take about half the time. From frame to regions, unless the table says otherwise.",
    "None of these is your material: train on your own images, and put what `edgekit eval --json` and `edgekit bench "
    "--json` print for your bundle on this page: `edgekit models --add eval.json --add bench.json --page FILE.html`. "
    "Rings are such bundles of yours.",
)


def write_models_page(path: Path, rows: Sequence[Measurement]) -> None:
    """Write the page.

    Args:
        path: Such as models.html.
        rows: What was measured.

    Raises:
        IoFault: If the disk refuses.
    """
    sets = sorted({row.quality.data for row in rows})
    known = [row for row in rows if row.quality.recall is not None]
    content = [
        draw_recalls(known, sets),
        _draw_legend(sets),
        "<h2>Figures</h2>",
        render_table(HEADER, [list_cells(row) for row in rows], numbers=NUMBERS),
        "<h2>How to read it</h2>",
        "<ul>",
        *(f"<li>{escape(line)}</li>" for line in READING),
        "</ul>",
        "<h2>Where it comes from</h2>",
        "<p>Files are those of benchmarks/results, or the ones that were added.</p>",
        render_table(
            ("model", "set", "measured by", "timed by", "files"),
            [_list_origin(row) for row in rows],
        ),
    ]
    write_page(path, "Which model: recall and time", content)


def draw_recalls(rows: Sequence[Measurement], sets: Sequence[str]) -> str:
    """Return the chart: a point per row, the time on a logarithmic axis.

    Args:
        rows: With a recall each.
        sets: In the order of their colours.
    """
    if not rows:
        return "<p>No recall was measured.</p>"
    scale = fit_scale([row.speed.ms for row in rows], LEFT + 20, WIDTH - RIGHT - 70)
    parts = _draw_axes(scale)
    for index, row in enumerate(rows):
        # What lies on the same place is drawn as rings around each other, the first one outermost.
        above = sum(_lies_on(row, other, scale) for other in rows[index + 1 :])
        below = any(_lies_on(row, other, scale) and row.model == other.model for other in rows[:index])
        label = "" if below else row.model
        parts.append(_draw_point(row, label, scale, sets.index(row.quality.data), radius=6 + 5 * above))
    words = "Recall over the time of a frame: " + "; ".join(
        f"{row.model} on {row.quality.data}: recall {row.quality.recall:.3f}, {format_number(row.speed.ms)} ms"
        for row in rows
    )
    return wrap_chart(parts, WIDTH, HEIGHT, words)


def list_cells(row: Measurement) -> tuple[str, ...]:
    """Return a row of the table, in the order of `HEADER`."""
    quality, speed = row.quality, row.speed
    runs = (
        f" ({quality.runs} runs of {quality.images} images)"
        if quality.runs > 1
        else f" ({quality.images} images)"
    )
    scope = "" if speed.scope == "frame to regions" else f", {speed.scope}"
    return (
        row.model + (" (yours)" if row.own else ""),
        row.precision,
        quality.data + runs,
        *(format_figure(value) for value in (quality.recall, quality.miou, quality.escape, quality.overkill)),
        format_number(speed.ms),
        f"{speed.height}×{speed.width}{scope}",
        speed.backend,
    )


def format_figure(value: float | None) -> str:
    """Return a share with three digits; a dash where it was not measured."""
    return "–" if value is None else f"{value:.3f}"


def _list_origin(row: Measurement) -> tuple[str, ...]:
    quality, speed = row.quality, row.speed
    timed = f"{speed.command} ({speed.machine}, {speed.taken})"
    files = ", ".join([*quality.sources, speed.source])
    return row.model, quality.data, quality.command, timed, files


def _draw_axes(scale: LogScale) -> list[str]:
    parts = [
        f'<line class="grid" x1="{LEFT}" y1="{_y(level):.1f}" x2="{WIDTH - RIGHT}" y2="{_y(level):.1f}"/>'
        f'<text x="{LEFT - 9}" y="{_y(level) + 4:.1f}" text-anchor="end">{level:.0%}</text>'
        for level in LEVELS
    ]
    for tick in list_ticks(scale):
        x = scale.place(tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
            f'<text x="{x:.1f}" y="{BOTTOM + 19}" text-anchor="middle">{format_number(tick)}</text>'
        )
    parts.append(f'<text x="{LEFT - 48}" y="{BOTTOM + 44}">recall of defects (upwards)</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{BOTTOM + 44}" text-anchor="end">ms per frame</text>')
    return parts


def _lies_on(row: Measurement, other: Measurement, scale: LogScale) -> bool:
    (x, y), (across, up) = _place(row, scale), _place(other, scale)
    return abs(x - across) < NEAR_PX and abs(y - up) < NEAR_PX


def _place(row: Measurement, scale: LogScale) -> tuple[float, float]:
    return scale.place(row.speed.ms), _y(row.quality.recall or 0.0)


def _draw_point(row: Measurement, label: str, scale: LogScale, colour: int, *, radius: int) -> str:
    x, y = _place(row, scale)
    style = "hollow" if row.own else f"dot c{colour % COLOURS}"
    title = escape(f"{row.model}, {row.quality.data}: recall {row.quality.recall:.3f}, {row.speed.ms:.3g} ms")
    return (
        f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{title}</title></circle>'
        f'<text x="{x + radius + 4:.1f}" y="{y + 4:.1f}">{escape(label)}</text>'
    )


def _draw_legend(sets: Sequence[str]) -> str:
    marks = "".join(
        f'<li><svg width="12" height="12" aria-hidden="true"><circle class="dot c{index % COLOURS}" cx="6" cy="6" '
        f'r="6"/></svg> {escape(name)}</li>'
        for index, name in enumerate(sets)
    )
    return f'<ul class="legend">{marks}</ul>'


def _y(recall: float) -> float:
    return BOTTOM - recall * (BOTTOM - TOP - 8)
