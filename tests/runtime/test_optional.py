"""What is said about packages that are not there, or do not load."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgekit_runtime.errors import MissingDependency
from edgekit_runtime.optional import import_optional


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def test_what_is_there_is_returned(write_module) -> None:
    write_module("optional_a", "answer = 42")
    assert import_optional("optional_a", extra="cpu").answer == 42


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(
        MissingDependency, match="'optional_gone' is needed here and is not installed"
    ) as caught:
        import_optional("optional_gone", extra="cpu")
    assert "edgekit[cpu]" in caught.value.remedy
    assert caught.value.exit_code == 6


def test_a_package_that_needs_another_names_that_one(write_module) -> None:
    write_module("optional_b", "import optional_gone")
    with pytest.raises(MissingDependency, match="'optional_gone'"):
        import_optional("optional_b", extra="cpu")


def test_a_package_that_does_not_load_is_not_called_missing(write_module) -> None:
    write_module("optional_c", "raise ImportError('libcudart.so.12: cannot open shared object file')")
    with pytest.raises(
        MissingDependency, match=r"'optional_c' .* cannot be imported: libcudart\.so\.12"
    ) as caught:
        import_optional("optional_c", extra="tensorrt-rtx")
    assert "--force-reinstall" in caught.value.remedy
