"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.media.contact_sheet import COLUMNS, TILE_PX, write_sheet
from edgekit_runtime.errors import IoFault
from tests.edgekit.image_folders import load

RED = np.zeros((20, 30, 3), np.uint8) + np.array([200, 0, 0], np.uint8)


def find_red(sheet: np.ndarray) -> np.ndarray:
    return (sheet == [200, 0, 0]).all(axis=2)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (COLUMNS, 1), (COLUMNS + 1, 2)])
def test_pictures_stand_in_rows(tmp_path: Path, count: int, rows: int) -> None:
    write_sheet(tmp_path / "a.png", [(RED, f"picture {n}") for n in range(count)])
    write_sheet(tmp_path / "one.png", [(RED, "one")])
    sheet, single = load(tmp_path / "a.png"), load(tmp_path / "one.png")
    assert sheet.shape[1] == single.shape[1]
    assert round(sheet.shape[0] / single.shape[0]) == rows
    assert find_red(sheet).sum() == count * find_red(single).sum() > 0


@pytest.mark.parametrize(("height", "width"), [(20, 30), (30, 20), (1000, 100), (1, 5000)])
def test_pictures_keep_their_aspect(tmp_path: Path, height: int, width: int) -> None:
    write_sheet(tmp_path / "a.png", [(np.broadcast_to(RED[:1, :1], (height, width, 3)).copy(), "")])
    rows, columns = np.nonzero(find_red(load(tmp_path / "a.png")))
    shown = (np.ptp(rows) + 1, np.ptp(columns) + 1)
    assert max(shown) == TILE_PX
    assert shown == tuple(max(1, round(side * TILE_PX / max(height, width))) for side in (height, width))


def test_a_long_caption_ends_before_the_next_one(tmp_path: Path) -> None:
    write_sheet(tmp_path / "long.png", [(RED, "long " * 100), (RED, "")])
    write_sheet(tmp_path / "short.png", [(RED, ""), (RED, "")])
    columns = np.nonzero(load(tmp_path / "long.png") != load(tmp_path / "short.png"))[1]
    assert len(columns) > 0
    assert columns.max() < 8 + TILE_PX


def test_a_caption_may_hold_what_no_font_knows(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.png", [(RED, "plate \udcff 検査")])
    assert find_red(load(tmp_path / "a.png")).any()


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(IoFault):
        write_sheet(tmp_path / "nowhere" / "a.png", [(RED, "one")])
