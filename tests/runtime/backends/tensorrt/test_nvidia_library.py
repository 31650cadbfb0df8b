"""Bindings that are there and of no use."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.errors import MissingDependency


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('boom')", "cannot be loaded: boom"),
        ("__version__ = '1.0'", "has no Builder"),
        ("", "has no __version__"),
    ],
)
def test_bindings_of_no_use_name_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    (tmp_path / "stub_rtx.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "stub_rtx", raising=False)
    with pytest.raises(MissingDependency, match=message) as caught:
        replace(TENSORRT_RTX, module="stub_rtx").load()
    assert "edgekit[tensorrt-rtx]" in caught.value.remedy
