"""The compile check as people read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from edgekit_export.compiling.compile_check import CompileCheck, StageReport
from edgekit_export.compiling.layer_roles import ROLES


def name_check(check: CompileCheck) -> str:
    """Return what the check is, and what it is not."""
    targets = ", ".join(map(str, check.targets))
    return (
        f"{check.compiler} compile check (SM {targets}): says nothing of Jetson (SM 87) and nothing of speed."
    )


def render_check(check: CompileCheck) -> str:
    """Return the check as text: a line that says what it is, one line per stage, and every fault."""
    return "\n".join([name_check(check), *_render_stages(check.stages), *_render_faults(check)])


def _render_stages(stages: Sequence[StageReport]) -> Iterator[str]:
    rows = [("stage", "nodes", "layers", "of these", "precision", "engine")]
    rows += [
        (
            report.stage,
            str(report.nodes),
            str(report.layers),
            describe_roles(report),
            describe_precisions(report),
            f"{report.engine_bytes / 1e6:.1f} MB",
        )
        for report in stages
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _render_faults(check: CompileCheck) -> Iterator[str]:
    for fault in check.faults:
        yield f"✗ {fault}"


def describe_roles(report: StageReport) -> str:
    """Return what the layers are there for, such as "16 compute, 4 padding"."""
    return ", ".join(f"{report.roles[role]} {role}" for role in ROLES if role in report.roles)


def describe_precisions(report: StageReport) -> str:
    """Return what the nodes with weights got, such as "Conv 10 int8, ConvTranspose 4 fp32 (asked int8)"."""
    counts = Counter((item.operator, item.achieved or "lost", item.asked) for item in report.precisions)
    return ", ".join(
        f"{operator} {count} {achieved}" + (f" (asked {asked})" if asked != achieved else "")
        for (operator, achieved, asked), count in counts.items()
    )
