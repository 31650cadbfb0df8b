"""Progress: on stderr, silent in a pipe."""

from __future__ import annotations

import io
import sys

import pytest

from edgekit.reporting import Reporter


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter().note("hello")
    Reporter(quiet=True).note("silence")
    assert capsys.readouterr() == ("", "hello\n")


def run_bar(reporter: Reporter) -> int:
    steps = 0
    with reporter.progress("reading", 3) as advance:
        for _ in range(3):
            advance()
            steps += 1
    return steps


def test_a_pipe_sees_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_bar(Reporter()) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_terminal_sees_a_bar_unless_quiet(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert run_bar(Reporter(quiet=quiet)) == 3
    assert ("reading" in screen.getvalue()) is not quiet
