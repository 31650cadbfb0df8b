"""Signals on a line: end it cleanly, or look for a new bundle."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from edgekit_runtime.line import Line


@dataclass
class Interruption:
    """Whether a person has interrupted the line."""

    happened: bool = False


@contextlib.contextmanager
def obey_signals(line: Line) -> Iterator[Interruption]:
    """While the block runs: SIGTERM and SIGINT end the line cleanly, SIGHUP has it look for a new bundle at its path.

    A second SIGINT ends it at once. Signals reach Python's main thread alone; on another one nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        line.stop()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if interruption.happened:
            raise KeyboardInterrupt
        interruption.happened = True
        line.stop()

    def renew(_signal: int, _frame: FrameType | None) -> None:
        line.swap()

    handlers = {signal.SIGTERM: end, signal.SIGINT: interrupt, signal.SIGHUP: renew}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
