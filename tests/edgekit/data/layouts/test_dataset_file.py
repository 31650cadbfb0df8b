"""dataset.json: one form, strict reading, and every contradiction refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.data.layouts.dataset_file import (
    SCHEMA,
    DatasetFile,
    FileItem,
    encode_dataset_file,
    read_dataset_file,
)
from edgekit_runtime.errors import DatasetError

ITEM = FileItem("a", "Class1/a", "coil-3", "dent", True, 1, ("dent",))
CONTENT = DatasetFile(
    SCHEMA,
    "plates",
    "COCO",
    ("background", "dent"),
    ("good", "bad"),
    "good",
    (ITEM, replace(ITEM, file="b", name="b")),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "dataset.json"
    path.write_bytes(encode_dataset_file(CONTENT))
    return path


def test_reading_undoes_writing(path: Path) -> None:
    assert read_dataset_file(path) == CONTENT


def test_keys_are_sorted_and_bytes_are_ascii(path: Path) -> None:
    raw = encode_dataset_file(replace(CONTENT, name="Tür"))
    assert raw.isascii()
    assert list(json.loads(raw)) == sorted(json.loads(raw))
    assert raw.endswith(b"}\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "edgekit.dataset/2"}, "has the schema 'edgekit.dataset/2'; this edgekit reads"),
        ({"schema": None}, "has no schema"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"name": 3}, "name must be str"),
        ({"classes": ["background"]}, "names 1 classes"),
        ({"classes": [str(n) for n in range(257)]}, "names 257 classes"),
        ({"classes": ["background", "background"]}, "the class 'background' is there twice"),
        ({"labels": ["good", "good"]}, "the label 'good' is there twice"),
        ({"labels": ["good", ""]}, "the label '' is empty"),
        ({"normal_label": "fine"}, "'normal_label' is 'fine'"),
        ({"items": []}, "it names no images"),
        ({"items": "a"}, "items must be"),
    ],
)
def test_contradictions_are_refused(path: Path, change: dict[str, Any], words: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DatasetError, match=words) as caught:
        read_dataset_file(path)
    assert str(path) in caught.value.message
    assert "rename the file" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file": "../a"}, "has the file '../a'"),
        ({"file": "a/b"}, "has the file 'a/b'"),
        ({"file": ".a"}, "has the file '.a'"),
        ({"file": "a\0"}, "has the file"),
        ({"file": "b"}, "the file 'b' is there twice"),
        ({"name": "b"}, "the name 'b' is there twice"),
        ({"name": ""}, "the name '' is empty"),
        ({"group": ""}, "no group"),
        ({"label": 2}, "has the label 2; there are 2"),
        ({"label": -1}, "has the label -1"),
        ({"label": True}, "label must be int"),
        ({"defective": False}, "is called defect-free and shows 'dent'"),
        ({"defective": 0}, "defective must be bool"),
        ({"kinds": "dent"}, "kinds must be"),
    ],
)
def test_contradictions_in_an_item_are_refused(path: Path, change: dict[str, Any], words: str) -> None:
    data = json.loads(path.read_text())
    data["items"][0] |= change
    path.write_text(json.dumps(data))
    with pytest.raises(DatasetError, match=words):
        read_dataset_file(path)
