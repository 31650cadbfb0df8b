"""What `edgekit line` prints for a person."""

from __future__ import annotations

from edgekit_runtime.line import LineSummary, PartAnswer


def describe_answer(answer: PartAnswer, mm_per_pixel: float | None) -> str:
    """Return a part's verdict in one line; its place in metres where that is known."""
    part = answer.part
    place = f"rows {part.y1} to {part.y2}"
    if mm_per_pixel is not None:
        place = f"{part.y1 * mm_per_pixel / 1000:.3f} to {part.y2 * mm_per_pixel / 1000:.3f} m"
    late = " LATE" if answer.late else ""
    return f"part {part.number} at {place}: {part.verdict} ({part.reason}) {answer.latency_ms:.1f} ms{late}"


def describe_summary(summary: LineSummary, stood_still_s: float | None = None) -> str:
    """Return what happened in a few lines; what did not happen is not said.

    Args:
        summary: Of the line.
        stood_still_s: How long its web has stood still because the source was slower than the line; see `PacedStrips`.
    """
    length = _count(summary.rows, "row") if summary.metres is None else f"{summary.metres:.3g} m"
    deadline = "" if summary.deadline_ms is None else f" (after {summary.deadline_ms:.4g} ms)"
    lines = [
        f"{_count(summary.strips, 'strip')}, {length}, {_count(summary.tiles, 'tile')} in {summary.wall_s:.1f} s",
        f"{_count(summary.parts, 'part')}, {summary.rejected} rejected, {summary.late} late{deadline}",
    ]
    troubles = {
        "rows not inspected": summary.lost_rows,
        "strips dropped": summary.dropped,
        "strips that found no room": summary.overruns,
        "strips refused": summary.refused,
        "strips repeated": summary.repeated,
        "strips missing": summary.missing,
        "times that the camera counted anew": summary.restarts,
        "strips short": summary.short,
        "stalls of the source": summary.stalls,
        "records lost": summary.lost_records,
        "images lost": summary.lost_pictures,
        "new bundles refused": summary.swaps_refused,
    }
    lines += [f"{what}: {count}" for what, count in troubles.items() if count]
    if stood_still_s:
        lines.append(
            f"strips could not be had at this speed: the web stood still for {stood_still_s:.2g} s in all"
        )
    if summary.latency_p50_ms is not None:
        lines.append(
            f"capture to verdict: p50 {summary.latency_p50_ms:.1f} ms, p99 {summary.latency_p99_ms:.1f} ms, "
            f"max {summary.latency_max_ms:.1f} ms"
        )
    if summary.tiles_per_s is not None:
        speed = summary.greatest_speed_m_per_min
        fastest = "" if speed is None else f", enough for {speed:.3g} m/min"
        lines.append(f"{summary.tiles_per_s:.0f} tiles/s while it worked{fastest}")
    if summary.memory_mb is not None:
        lines.append(f"{summary.memory_mb:.0f} MB of memory")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
