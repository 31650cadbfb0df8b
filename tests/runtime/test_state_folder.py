"""The state folder: found, made, refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgekit_runtime.state_folder import open_state_folder


def test_the_variable_names_it(tmp_path: Path) -> None:
    found = open_state_folder("jit/1", {"EDGEKIT_STATE": str(tmp_path / "state"), "HOME": "/nowhere"})
    assert found.path == tmp_path / "state" / "jit" / "1"
    assert found.reason == ""
    assert found.path.is_dir()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_STATE_HOME": "xdg", "HOME": "home"}, "xdg/edgekit"),
        ({"HOME": "home"}, "home/.local/state/edgekit"),
        ({"EDGEKIT_STATE": "", "HOME": "home"}, "home/.local/state/edgekit"),
    ],
)
def test_else_it_is_where_the_system_keeps_state(
    tmp_path: Path, environ: dict[str, str], folder: str
) -> None:
    absolute = {key: str(tmp_path / value) if value else value for key, value in environ.items()}
    assert open_state_folder("jit", absolute).path == tmp_path / folder / "jit"


def test_it_is_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        found = open_state_folder("jit", {"EDGEKIT_STATE": str(tmp_path / "state")})
    finally:
        os.umask(before)
    assert found.path is not None
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_one_that_others_can_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    found = open_state_folder("jit", {"EDGEKIT_STATE": str(tmp_path)})
    assert found.path is None
    assert "can be written by others" in found.reason
    assert "chmod go-w" in found.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_one_of_another_user_is_not_used(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    found = open_state_folder("jit", {"EDGEKIT_STATE": str(tmp_path)})
    assert found.path is None
    assert "another user" in found.reason


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = open_state_folder("jit", {"EDGEKIT_STATE": str(tmp_path / "link")})
    assert found.path is None
    assert "is a link" in found.reason


def test_what_was_put_there_before_is_used_on_a_read_only_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"EDGEKIT_STATE": str(tmp_path)}
    before = open_state_folder("jit/1", environ)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    found = open_state_folder("jit/1", environ)
    assert (found.path, found.writable) == (before.path, False)
    assert "Read-only file system" in found.reason


def test_without_a_place_it_says_why_and_raises_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = open_state_folder("jit", {"EDGEKIT_STATE": str(file)})
    assert found.path is None
    assert found.reason.startswith(str(file))
    assert "EDGEKIT_STATE" in open_state_folder("jit", {}).reason


def test_a_read_only_root_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    found = open_state_folder("jit", {"EDGEKIT_STATE": str(tmp_path / "state")})
    assert found.path is None
    assert "Read-only file system" in found.reason
