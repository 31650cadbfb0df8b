"""`edgekit demo`, through the command line."""

from __future__ import annotations

from pathlib import Path

from tests.edgekit.conftest import RunCli


def test_the_paths_are_printed_and_exist(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("demo", "--out", tmp_path / "demo")
    assert result.code == 0, result.err
    labels, paths = zip(*(line.split(":", 1) for line in result.out.splitlines()), strict=True)
    assert labels == ("picture", "page")
    assert all(Path(path.strip()).is_file() for path in paths)
    assert "Demo weights" in result.err


def test_a_folder_that_cannot_be_made(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    run_cli("demo", "--out", tmp_path / "demo", "--quiet").refused(7, "cannot be made")
