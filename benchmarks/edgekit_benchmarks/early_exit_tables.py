"""The tables of early exit, in Markdown: for the screen, and for the page of results."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from edgekit_benchmarks.early_exit import PLAIN, LoopCost, Measured
from edgekit_benchmarks.ratios import Ratio


def render_stages(measured: Measured, macs: Sequence[int], plain_macs: int) -> str:
    """Return what each stage costs in a full batch, beside the network without exits.

    Args:
        measured: Times.
        macs: Of each stage, per row.
        plain_macs: Of the network without exits.
    """
    rows = len(measured.stages_ms[0])
    lines = ["| stage | GMAC per row | full batch, ms |", "|---|---:|---:|"]
    for index in range(rows):
        times = [stages[index] for stages in measured.stages_ms]
        lines.append(f"| {measured.stages[index]} | {macs[index] / 1e9:.3f} | {_show_times(times)} |")
    lines.append(f"| without exits | {plain_macs / 1e9:.3f} | {_show_times(measured.rounds_ms[PLAIN])} |")
    return "\n".join(lines)


def render_gated(measured: Measured, by_macs: Mapping[str, float], published: Mapping[str, float]) -> str:
    """Return what early exit saves.

    Args:
        measured: Times.
        by_macs: Kind → speed-up if time went by multiply-adds.
        published: Kind → the paper's.
    """
    lines = [
        "| | speed-up over the network without exits | predicted from full batches | realised | by MACs | paper |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, found in measured.gated.items():
        ratios = " | ".join(show_ratio(ratio) for ratio in (found.speedup, found.predicted, found.share))
        lines.append(f"| {kind} | {ratios} | {by_macs[kind]:.2f} | {published[kind]:.2f} |")
    return "\n".join(lines)


def render_others(measured: Measured, kind: str) -> str:
    """Return how many times faster the compacted batch is than other ways to run the same frames."""
    lines = [f"| {kind}, other ways | time over that of the compacted batch |", "|---|---:|"]
    lines += [f"| {name} | {show_ratio(ratio)} |" for name, ratio in measured.over_gated.items()]
    lines.append(f"| If over staged, both batch 1 | {show_ratio(measured.conditional_over_singly)} |")
    return "\n".join(lines)


def render_loop(costs: Sequence[LoopCost]) -> str:
    """Return what gates, compaction and scattering cost."""
    lines = [
        "| loop | rows | compaction, µs per row | gates, scattering, µs per row | of all |",
        "|---|---:|---:|---:|---:|",
    ]
    for cost in costs:
        size = "×".join(map(str, cost.size))
        parts = " | ".join(
            f"{middle:.1f} ({least:.1f} to {most:.1f})"
            for middle, least, most in (cost.compaction_us, cost.rest_us)
        )
        lines.append(f"| {cost.bundle}, {size} | {cost.rows} | {parts} | {cost.share_of_time:.2%} |")
    return "\n".join(lines)


def show_ratio(ratio: Ratio) -> str:
    """Return a ratio with its interval."""
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _show_times(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})"
