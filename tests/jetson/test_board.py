"""Which machine is a Jetson, on file trees made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_jetson import require_jetson
from edgekit_runtime.errors import EnvironmentMismatch


def test_a_board_is_known_by_its_device_tree_and_release(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/device-tree/model").write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    (tmp_path / "etc/nv_tegra_release").write_text(
        "# R36 (release), REVISION: 4.3, GCID: 0, BOARD: generic\n"
    )
    board = require_jetson(tmp_path)
    assert board.model == "NVIDIA Jetson Orin Nano Developer Kit"
    assert board.l4t == "36.4.3"


def test_any_other_machine_is_refused_and_told_of_the_board(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentMismatch) as caught:
        require_jetson(tmp_path)
    assert caught.value.exit_code == 5
    assert "--host" in caught.value.remedy
    assert "not available yet" in caught.value.remedy
