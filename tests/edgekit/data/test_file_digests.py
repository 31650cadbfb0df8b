"""Content hashes of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgekit.data.file_digests import digest_file
from edgekit_runtime.errors import IoFault


def test_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert digest_file(path) == hashlib.sha256(b"one").hexdigest()


def test_follows_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    digest_file(path)
    path.write_bytes(b"three")
    assert digest_file(path) == hashlib.sha256(b"three").hexdigest()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IoFault, match="nowhere"):
        digest_file(tmp_path / "nowhere")
