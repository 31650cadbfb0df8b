"""Signals end a line cleanly, or have it look for a new bundle."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from edgekit.line.signals import obey_signals


class Line:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def stop(self) -> None:
        self.calls.append("stop")

    def swap(self) -> None:
        self.calls.append("swap")


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "call", "interrupted"),
    [
        (signal.SIGTERM, "stop", False),
        (signal.SIGINT, "stop", True),
        (signal.SIGHUP, "swap", False),
    ],
)
def test_each_signal_means_one_thing(number: signal.Signals, call: str, interrupted: bool) -> None:
    line = Line()
    with obey_signals(line) as interruption:  # type: ignore[arg-type]
        send(number)
    assert line.calls == [call]
    assert interruption.happened is interrupted


def test_a_second_interrupt_does_not_wait() -> None:
    line = Line()
    with pytest.raises(KeyboardInterrupt), obey_signals(line):  # type: ignore[arg-type]
        send(signal.SIGINT)
        send(signal.SIGINT)
    assert line.calls == ["stop"]


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    with obey_signals(Line()):  # type: ignore[arg-type]
        assert {number: signal.getsignal(number) for number in before} != before
    assert {number: signal.getsignal(number) for number in before} == before


def test_on_another_thread_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run() -> None:
        with obey_signals(Line()):  # type: ignore[arg-type]
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
