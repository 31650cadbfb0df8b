"""From what a person asks to what the line is told: deadlines, lengths in rows, and where it stops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.line.planning import LineRequest, find_least_px, find_wait_rows, plan_line
from edgekit.line.sources import CLOTH, MadeWeb
from edgekit_runtime.bundle import ClassRule, InputContract, PixelFormat, VerdictRules
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from edgekit_runtime.web.inspector import WebInspector
from tests.edgekit.image_folders import save

ROWS = 64
SMALL = MadeWeb(width=96, strip_rows=32)


def contract(mm_per_pixel: float | None = 0.5) -> InputContract:
    return InputContract("frame", PixelFormat(), ROWS, ROWS, 8, "refuse", 0, None, None, mm_per_pixel)


def ask(**arguments: object) -> LineRequest:
    return LineRequest(**{"source": CLOTH, "made": SMALL, **arguments})  # type: ignore[arg-type]


def test_without_a_speed_nothing_is_late() -> None:
    told = plan_line(contract(), ask()).settings
    assert (told.deadline_s, told.width, told.part_rows) == (None, 96, ROWS)
    assert not told.stop_on_stall


def test_the_deadline_is_while_a_strip_passes() -> None:
    # 0.5 mm at 30 m/min: 1 ms per row. Parts, tiles and every second strip end together.
    told = plan_line(contract(), ask(line_speed_m_per_min=30.0)).settings
    assert told.deadline_s == pytest.approx(32e-3)
    told = plan_line(contract(), ask(line_speed_m_per_min=30.0, deadline_ms=5.0)).settings
    assert told.deadline_s == pytest.approx(5e-3)


def test_the_deadline_waits_for_the_rows_that_tiles_show_below_a_part() -> None:
    # Parts of 32 rows: the first one is judged when the tile's 64 rows have come, one strip later.
    told = plan_line(contract(), ask(line_speed_m_per_min=30.0, part_length_mm=16.0)).settings
    assert told.deadline_s == pytest.approx((32 + 32) * 1e-3)


@settings(deadline=None, max_examples=40)
@given(
    step=st.integers(4, 8),
    half=st.integers(0, 4),
    part_rows=st.integers(1, 20),
    strip_rows=st.integers(1, 20),
    least_px=st.integers(0, 12),
)
def test_parts_of_a_web_wait_as_long_as_is_said(
    tmp_path_factory: pytest.TempPathFactory,
    step: int,
    half: int,
    part_rows: int,
    strip_rows: int,
    least_px: int,
) -> None:
    height = step + min(2 * half, step)
    rules = VerdictRules(others=ClassRule(min_area_px=least_px))
    path = tmp_path_factory.mktemp("bundles") / "web.edgekit"
    bundle = fake_bundle(path, height=height, width=height, fit="tile", overlap=height - step, rules=rules)
    web = np.zeros((40 * strip_rows, 4), np.uint8)
    web[np.random.default_rng(step).random(len(web)) < 0.8, 1] = (
        255  # a line along the web, broken here and there
    )
    waited = [0]
    with Detector(bundle, backend=FakeBackend) as detector:
        inspector = WebInspector(detector, 4, part_rows=part_rows)
        for end in range(strip_rows, len(web) + 1, strip_rows):
            for part in inspector.add(web[end - strip_rows : end]):
                waited.append(end - -(-part.y2 // strip_rows) * strip_rows)
    least = find_least_px(bundle.manifest, None)
    told = find_wait_rows(bundle.manifest.input, part_rows=part_rows, strip_rows=strip_rows, least_px=least)
    assert max(waited) <= told
    if least_px <= 1 and len(web) > 20 * height * part_rows:  # long enough to show the worst
        assert max(waited) == told


def test_what_is_asked_for_stands_in_for_the_least_area_of_the_rules(tmp_path: Path) -> None:
    rules = VerdictRules(others=ClassRule(min_area_px=3, min_area_mm2=2.0))
    manifest = fake_bundle(tmp_path / "web.edgekit", mm_per_pixel=0.5, rules=rules).manifest
    assert find_least_px(manifest, None) == 8
    assert find_least_px(manifest, 5) == 5


def test_a_slow_web_has_not_stalled() -> None:
    told = plan_line(contract(), ask(line_speed_m_per_min=0.01)).settings
    assert told.stall_s == pytest.approx(3 * 32 * 3.0)
    told = plan_line(contract(), ask(stall_s=2.0)).settings
    assert (told.stall_s, told.stop_on_stall) == (2.0, True)


def test_lengths_are_counted_in_rows() -> None:
    plan = plan_line(contract(), ask(part_length_mm=10.0, metres=0.05))
    assert plan.settings.part_rows == 20
    assert sum(len(strip) for strip in plan.strips) == 100  # type: ignore[arg-type]
    plan = plan_line(contract(), ask(part_length_mm=10.0, parts=3, metres=0.05))
    assert sum(len(strip) for strip in plan.strips) == 60  # type: ignore[arg-type]


def test_a_part_is_a_row_at_least() -> None:
    assert plan_line(contract(), ask(part_length_mm=0.5)).settings.part_rows == 1
    with pytest.raises(UsageProblem, match=r"--part-length 0\.1 is less than a row, which is 0\.5 mm long"):
        plan_line(contract(), ask(part_length_mm=0.1))


def test_a_line_has_one_scale() -> None:
    assert plan_line(contract(), ask(mm_per_pixel=0.5)).settings.mm_per_pixel == 0.5
    assert plan_line(contract(None), ask(mm_per_pixel=0.3)).settings.mm_per_pixel == 0.3
    with pytest.raises(UsageProblem, match=r"0\.5 mm per pixel, and 0\.3 are asked for") as raised:
        plan_line(contract(), ask(mm_per_pixel=0.3))
    assert "edgekit rules BUNDLE --mm-per-px 0.3 --out" in raised.value.remedy


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ({"part_length_mm": 5.0}, "--part-length is in millimetres"),
        ({"line_speed_m_per_min": 5.0}, "--line-speed is in metres per minute"),
        ({"metres": 5.0}, "--metres is in metres"),
    ],
)
def test_metres_need_a_scale(tmp_path: Path, asked: dict[str, float], option: str) -> None:
    save(tmp_path / "1.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(UsageProblem, match=option) as raised:
        plan_line(contract(None), ask(source=str(tmp_path), **asked))
    assert "--mm-per-px" in raised.value.remedy
