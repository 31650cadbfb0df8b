"""Measured models in words: which reach what was asked for, and where the figures come from."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.choosing.measurements import Measurement
from edgekit.choosing.models_page import format_figure
from edgekit_benchmarks.axes import format_number

HEADER = ("model", "set", "recall", "mIoU", "escape", "overkill", "ms", "frame", "backend", "")

NOTE = (
    "recall: true defects found (a tenth covered); escape, overkill: images; ms: median of one frame of that size on "
    "the machine below."
)

OWN = (
    "None of these is your material. Measure your own bundle:",
    "  edgekit eval NAME.edgekit --data DATA --json > eval.json",
    "  edgekit bench NAME.edgekit --json > bench.json",
    "  edgekit models --add eval.json --add bench.json --for recall=0.95,ms=2",
)


def describe_measured(
    rows: Sequence[Measurement], gaps: Sequence[Sequence[str]], *, asked: bool
) -> list[str]:
    """Return a table with those that reach it first, their sources, and how to measure one's own.

    Args:
        rows: What was measured.
        gaps: What keeps each row from what was asked for; empty where it reaches it.
        asked: Whether anything was asked for.
    """
    ordered = sorted(zip(rows, gaps, strict=True), key=lambda pair: bool(pair[1]))
    cells = [HEADER, *(_list_cells(row, missing, asked=asked) for row, missing in ordered)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    if asked and all(gaps):
        lines.append("No measured model reaches all of this.")
    return [*lines, "", NOTE, *_list_sources([row for row, missing in ordered if not missing]), *OWN]


def _list_cells(row: Measurement, missing: Sequence[str], *, asked: bool) -> tuple[str, ...]:
    quality, speed = row.quality, row.speed
    precision = "" if row.precision == "fp32" else f" {row.precision}"
    return (
        f"{row.model}{precision}{' (yours)' if row.own else ''}",
        f"{quality.data}, {quality.runs}×{quality.images} images",
        *(format_figure(value) for value in (quality.recall, quality.miou, quality.escape, quality.overkill)),
        format_number(speed.ms),
        f"{speed.height}×{speed.width}",
        speed.backend,
        "" if not asked else "no: " + ", ".join(missing) if missing else "reaches it",
    )


def _list_sources(rows: Sequence[Measurement]) -> list[str]:
    """Return the commands behind rows, each once."""
    lines: dict[str, None] = {}
    for row in rows:
        lines[f"  {row.quality.command}  [{', '.join(row.quality.sources)}]"] = None
        lines[
            f"  {row.speed.command}  [{row.speed.source}; {row.speed.machine}, {row.speed.taken}, {row.speed.scope}]"
        ] = None
    return ["Measured by (files of benchmarks/results):", *lines] if lines else []
