"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.demo.sheet import COLUMNS, write_sheet
from edgekit_runtime.errors import IoFault
from tests.edgekit.image_folders import load

RED = np.zeros((20, 30, 3), np.uint8) + np.array([200, 0, 0], np.uint8)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (COLUMNS, 1), (COLUMNS + 1, 2)])
def test_pictures_stand_in_rows(tmp_path: Path, count: int, rows: int) -> None:
    write_sheet(tmp_path / "a.png", [(RED, f"picture {n}") for n in range(count)])
    write_sheet(tmp_path / "one.png", [(RED, "one")])
    sheet, single = load(tmp_path / "a.png"), load(tmp_path / "one.png")
    assert sheet.shape[1] == single.shape[1]
    assert round(sheet.shape[0] / single.shape[0]) == rows
    red = (sheet == [200, 0, 0]).all(axis=2).sum()
    assert red == count * (single == [200, 0, 0]).all(axis=2).sum() > 0


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(IoFault):
        write_sheet(tmp_path / "nowhere" / "a.png", [(RED, "one")])
