"""From what a person asks to what the line is told: deadlines, lengths in rows, and where it stops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.line.planning import LineRequest, plan_line
from edgekit.line.sources import CLOTH, MadeWeb
from edgekit_runtime.bundle import InputContract, PixelFormat
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.image_folders import save

ROWS = 64
SMALL = MadeWeb(width=96, strip_rows=32)


def contract(mm_per_pixel: float | None = 0.5) -> InputContract:
    return InputContract("frame", PixelFormat(), ROWS, ROWS, 8, "refuse", 0, None, None, mm_per_pixel)


def ask(**arguments: object) -> LineRequest:
    return LineRequest(**{"source": CLOTH, "made": SMALL, **arguments})  # type: ignore[arg-type]


def test_without_a_speed_nothing_is_late() -> None:
    settings = plan_line(contract(), ask()).settings
    assert (settings.deadline_s, settings.width, settings.part_rows) == (None, 96, ROWS)
    assert not settings.stop_on_stall


def test_the_deadline_is_while_a_tile_and_a_strip_pass() -> None:
    # 0.5 mm at 30 m/min: 1 ms per row
    settings = plan_line(contract(), ask(line_speed_m_per_min=30.0)).settings
    assert settings.deadline_s == pytest.approx((64 + 32) * 1e-3)
    told = plan_line(contract(), ask(line_speed_m_per_min=30.0, deadline_ms=5.0)).settings
    assert told.deadline_s == pytest.approx(5e-3)


def test_a_slow_web_has_not_stalled() -> None:
    settings = plan_line(contract(), ask(line_speed_m_per_min=0.01)).settings
    assert settings.stall_s == pytest.approx(3 * 32 * 3.0)
    told = plan_line(contract(), ask(stall_s=2.0)).settings
    assert (told.stall_s, told.stop_on_stall) == (2.0, True)


def test_lengths_are_counted_in_rows() -> None:
    plan = plan_line(contract(), ask(part_length_mm=10.0, metres=0.05))
    assert plan.settings.part_rows == 20
    assert sum(len(strip) for strip in plan.strips) == 100  # type: ignore[arg-type]
    plan = plan_line(contract(), ask(part_length_mm=10.0, parts=3, metres=0.05))
    assert sum(len(strip) for strip in plan.strips) == 60  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ({"part_length_mm": 5.0}, "--part-length"),
        ({"line_speed_m_per_min": 5.0}, "--line-speed"),
        ({"metres": 5.0}, "--metres"),
    ],
)
def test_metres_need_a_scale(tmp_path: Path, asked: dict[str, float], option: str) -> None:
    save(tmp_path / "1.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(UsageProblem, match=option) as raised:
        plan_line(contract(None), ask(source=str(tmp_path), **asked))
    assert "--mm-per-px" in raised.value.remedy
