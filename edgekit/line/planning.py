"""From what a person asks of a line to what the runtime is told."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgekit.line.sources import MadeWeb, limit_rows, open_source
from edgekit_runtime.bundle.contract import InputContract
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line import LineSettings, Strip, pace_strips, seconds_per_row
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.line.waiting import Policy

WATCH_S = 1.0

STALL_S = 10.0
"""A source that is not told a speed has stalled after this."""

STALLED_STRIPS = 3
"""One that is told a speed has stalled when so many strips should have come."""


@dataclass(frozen=True)
class LineRequest:
    """What a person asks for; see `edgekit line --help`."""

    source: str
    line_speed_m_per_min: float | None = None
    mm_per_pixel: float | None = None
    part_length_mm: float | None = None
    drop_left: int = 0
    drop_right: int = 0
    policy: Policy = "queue-all"
    deadline_ms: float | None = None
    stall_s: float | None = None
    parts: int | None = None
    metres: float | None = None
    records: Path | None = None
    pictures: Path | None = None
    watch_bundle: bool = False
    made: MadeWeb = MadeWeb()  # noqa: RUF009 - frozen


@dataclass(frozen=True, eq=False)
class LinePlan:
    """A source, and how the line is to work."""

    strips: Iterable[Pixels | Exception | Strip]
    settings: LineSettings


def plan_line(contract: InputContract, request: LineRequest) -> LinePlan:
    """Return what `Line` is made with.

    Args:
        contract: Of the bundle.
        request: What is asked for.

    Raises:
        UsageProblem: If there is no such source, or something is asked for in metres and the scale is not known.
    """
    source = open_source(request.source, contract, request.made, request.mm_per_pixel)
    scale = request.mm_per_pixel or source.mm_per_pixel or contract.mm_per_pixel
    part_rows = contract.height
    if request.part_length_mm is not None:
        part_rows = max(1, round(request.part_length_mm / _require_scale(scale, "--part-length")))
    row_s = None
    if request.line_speed_m_per_min is not None:
        row_s = seconds_per_row(request.line_speed_m_per_min, _require_scale(scale, "--line-speed"))
    strips = limit_rows(source.strips, _count_rows(request, part_rows, scale))
    strip_rows = source.strip_rows or contract.height
    deadline_s = None if request.deadline_ms is None else request.deadline_ms / 1e3
    stall_s = STALL_S
    if row_s is not None:
        # The rows that a tile shows below a part must have come before the part can be judged.
        deadline_s = deadline_s or (contract.height + strip_rows) * row_s
        stall_s = max(STALL_S, STALLED_STRIPS * strip_rows * row_s)
    settings = LineSettings(
        part_rows=part_rows,
        width=source.width,
        drop_left=request.drop_left,
        drop_right=request.drop_right,
        policy=request.policy,
        deadline_s=deadline_s,
        mm_per_pixel=scale,
        stall_s=request.stall_s or stall_s,
        stop_on_stall=request.stall_s is not None,
        records=request.records,
        pictures=request.pictures,
        watch_s=WATCH_S if request.watch_bundle else None,
    )
    return LinePlan(strips if row_s is None else pace_strips(strips, row_s), settings)


def _count_rows(request: LineRequest, part_rows: int, scale: float | None) -> int | None:
    """Return after how many rows the line is to stop; None where the source says it."""
    limits = []
    if request.parts is not None:
        limits.append(request.parts * part_rows)
    if request.metres is not None:
        limits.append(math.ceil(request.metres * 1000.0 / _require_scale(scale, "--metres")))
    return min(limits, default=None)


def _require_scale(scale: float | None, option: str) -> float:
    if scale is None:
        raise UsageProblem(
            f"{option} is in metres, and the length of a row is not known.",
            remedy="Give it with --mm-per-px, or export the bundle with it.",
        )
    return scale
