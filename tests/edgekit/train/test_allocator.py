"""Whether the C library was told to keep memory."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from edgekit.train.allocator import keep_freed_memory


def test_this_machines_library_listens_and_the_process_goes_on() -> None:
    code = (
        "from edgekit.train.allocator import *; print(keep_freed_memory()); bytearray(10**8); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() in (["True", "alive"], ["False", "alive"])


def test_a_library_without_such_a_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert keep_freed_memory() is False


@pytest.mark.parametrize(("answers", "expected"), [((1, 1), True), ((1, 0), False), ((0, 1), False)])
def test_both_settings_must_be_taken(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[int, int], expected: bool
) -> None:
    left = iter(answers)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(mallopt=lambda *_: next(left)))
    assert keep_freed_memory() is expected
