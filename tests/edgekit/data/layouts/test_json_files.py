"""JSON of others: read strictly, and recognised without being read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit.data.layouts import json_files
from edgekit.data.layouts.json_files import mentions_keys, read_json, require
from edgekit_runtime.errors import DatasetError, IoFault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.json"


def test_values_come_back(path: Path) -> None:
    path.write_text('{"a": [1, 2.5, "ü", null, true]}')
    assert read_json(path) == {"a": [1, 2.5, "ü", None, True]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"a": NaN}', "holds NaN"),
        (b"1e999", "beyond 64-bit"),
        (b"9" * 99, "integer of 99 characters"),
        (b"[" * 500_000, "nested deeper"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
    ],
)
def test_what_is_no_sound_json_is_refused(path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=words) as caught:
        read_json(path)
    assert str(path) in caught.value.message


def test_large_files_are_refused_before_they_are_read(path: Path) -> None:
    path.touch()
    os.truncate(path, json_files.LARGEST_BYTES + 1)
    with pytest.raises(DatasetError, match="at most"):
        read_json(path)


def test_what_is_no_file_is_refused(path: Path) -> None:
    with pytest.raises(IoFault, match=r"a\.json cannot be read: No such file"):
        read_json(path)
    os.mkfifo(path)  # opening it would wait for a writer
    with pytest.raises(DatasetError, match="no regular file"):
        read_json(path)
    assert not mentions_keys(path, ())


def test_keys_are_found_without_parsing(path: Path) -> None:
    path.write_text('{"images": [], "annotations": ')
    assert mentions_keys(path, ("images", "annotations"))
    assert not mentions_keys(path, ("images", "categories"))
    path.write_text("")
    assert not mentions_keys(path, ("images",))


def test_values_of_the_wrong_kind_are_refused() -> None:
    assert require({"a": 1}, "a", int, "here") == 1
    assert require({"a": 1}, "a", float, "here") == 1.0
    for data in ({"a": True}, {"a": 1.5}, {"a": None}, {}, [], None):
        with pytest.raises(DatasetError, match=r"^here: 'a' must be a whole number"):
            require(data, "a", int, "here")
