"""Reports are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.benching.report_file import require_writable, write_text
from edgekit_runtime.errors import IoFault, UsageProblem


def test_a_report_replaces_another_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    require_writable(path)
    assert list(tmp_path.iterdir()) == []
    write_text(path, "one")
    write_text(path, "two \udcff")
    assert path.read_text() == "two \\udcff"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no folder"):
        require_writable(tmp_path / "nowhere/report.html")
    with pytest.raises(UsageProblem, match="is a folder"):
        require_writable(tmp_path)


def test_a_disk_that_fails_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(IoFault, match="No space left"):
        write_text(path, "new")
    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    with pytest.raises(IoFault, match="No space left"):
        require_writable(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
