"""From what a person asks of a line to what the runtime is told."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgekit.line.sources import MadeWeb, limit_rows, open_source
from edgekit_runtime.bundle import InputContract, Manifest
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line import LineSettings, PacedStrips, seconds_per_row
from edgekit_runtime.line.settings import choose_scale
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.line.waiting import Policy
from edgekit_runtime.quotas import make_quotas, override_rules

WATCH_S = 1.0

STALL_S = 10.0
"""A source that is not told a speed has stalled after this."""

STALLED_STRIPS = 3
"""One that is told a speed has stalled when so many strips should have come."""

MOST_PARTS_LOOKED_AT = 1000
"""How parts lie on the rows of tiles repeats; a longer period has been near its worst by then."""


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
    waiting: int | None = None
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

    strips: Iterable[Pixels | Exception] | PacedStrips
    settings: LineSettings


def plan_line(contract: InputContract, request: LineRequest, *, least_px: int = 0) -> LinePlan:
    """Return what `Line` is made with.

    Args:
        contract: Of the bundle.
        request: What is asked for.
        least_px: From how many pixels on a region of any class counts (`find_least_px`).

    Raises:
        UsageProblem: If there is no such source, something is asked for in metres and the scale is not known or not
            that of the bundle, or a part is shorter than a row.
    """
    scale = choose_scale(contract.mm_per_pixel, request.mm_per_pixel)
    source = open_source(request.source, contract, request.made, scale)
    scale = scale or source.mm_per_pixel
    part_rows = _count_part_rows(request.part_length_mm, contract, scale)
    row_s = None
    if request.line_speed_m_per_min is not None:
        row_s = seconds_per_row(
            request.line_speed_m_per_min, _require_scale(scale, "--line-speed is in metres per minute")
        )
    strips = limit_rows(source.strips, _count_rows(request, part_rows, scale))
    strip_rows = source.strip_rows or contract.height
    deadline_s = None if request.deadline_ms is None else request.deadline_ms / 1e3
    stall_s = STALL_S
    if row_s is not None:
        wait_rows = find_wait_rows(contract, part_rows=part_rows, strip_rows=strip_rows, least_px=least_px)
        deadline_s = deadline_s or (wait_rows + strip_rows) * row_s
        stall_s = max(STALL_S, STALLED_STRIPS * strip_rows * row_s)
    settings = LineSettings(
        part_rows=part_rows,
        width=source.width,
        drop_left=request.drop_left,
        drop_right=request.drop_right,
        policy=request.policy,
        waiting=request.waiting,
        deadline_s=deadline_s,
        mm_per_pixel=scale,
        stall_s=request.stall_s or stall_s,
        stop_on_stall=request.stall_s is not None,
        records=request.records,
        pictures=request.pictures,
        watch_s=WATCH_S if request.watch_bundle else None,
    )
    return LinePlan(strips if row_s is None else PacedStrips(strips, row_s), settings)


def find_least_px(manifest: Manifest, min_area_px: int | None) -> int:
    """Return from how many pixels on a region of any class counts.

    Args:
        manifest: Of the bundle.
        min_area_px: What is asked for in place of the bundle's rules.
    """
    rules = override_rules(manifest.rules, min_area_px=min_area_px)
    quotas = make_quotas(rules, manifest.model.classes, manifest.input.mm_per_pixel)
    return max(quota.least_px for quota in quotas.values())


def find_wait_rows(contract: InputContract, *, part_rows: int, strip_rows: int, least_px: int = 0) -> int:
    """Return how many rows of web pass at most from the strip that ends a part to the one that lets it be judged.

    A tile is run when all of its rows have come, those below the part among them. A region that goes on below the part
    and is too small to count may become large enough: in as many rows as its least area has pixels that is known. 0
    where parts, strips and rows of tiles end together and every region counts.
    """
    step = contract.height - contract.overlap
    waits = []
    for y2 in range(part_rows, part_rows * MOST_PARTS_LOOKED_AT + 1, part_rows):
        needed = y2 + max(0, least_px - 1)
        tile = max(0, -(-(needed - contract.height + contract.overlap // 2) // step))
        settled = tile * step + contract.height
        waits.append(_round_up(max(settled, y2), strip_rows) - _round_up(y2, strip_rows))
    return max(waits)


def _round_up(rows: int, strip_rows: int) -> int:
    return -(-rows // strip_rows) * strip_rows


def _count_part_rows(length_mm: float | None, contract: InputContract, scale: float | None) -> int:
    if length_mm is None:
        return contract.height
    scale = _require_scale(scale, "--part-length is in millimetres")
    rows = round(length_mm / scale)
    if rows < 1:
        raise UsageProblem(
            f"--part-length {length_mm:g} is less than a row, which is {scale:g} mm long.",
            remedy="Give the length of a part in millimetres.",
        )
    return rows


def _count_rows(request: LineRequest, part_rows: int, scale: float | None) -> int | None:
    """Return after how many rows the line is to stop; None where the source says it."""
    limits = []
    if request.parts is not None:
        limits.append(request.parts * part_rows)
    if request.metres is not None:
        limits.append(math.ceil(request.metres * 1000.0 / _require_scale(scale, "--metres is in metres")))
    return min(limits, default=None)


def _require_scale(scale: float | None, what: str) -> float:
    if scale is None:
        raise UsageProblem(
            f"{what}, and the length of a row is not known.",
            remedy="Give it with --mm-per-px, or export the bundle with it.",
        )
    return scale
