"""The thread that takes strips from the source, so that a camera never waits for the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from edgekit_runtime.errors import EdgekitError, IoFault
from edgekit_runtime.line.strips import Pixels, Strip, StripGate
from edgekit_runtime.line.waiting import WaitingStrips

Source = Iterable[Pixels | Strip | Exception]
"""Arrays, or strips: a generator around a camera's own call is one. An error stands for a strip that was not had."""


class Intake:
    """Takes strips from a source to those that wait, until either ends.

    Args:
        source: The camera, say.
        gate: Looks at every strip.
        waiting: Where they go.
        clock: Seconds, for strips that bring no time of their own.
        note: Is told what was wrong with a strip, in words; called on this thread.

    Attributes:
        latest_s: When the source gave its last strip.
    """

    def __init__(
        self,
        source: Source,
        gate: StripGate,
        waiting: WaitingStrips,
        *,
        clock: Callable[[], float],
        note: Callable[[str], None],
    ) -> None:
        self._source, self._gate, self._waiting = source, gate, waiting
        self._clock, self._note = clock, note
        self.latest_s = clock()

    def run(self) -> None:
        """Take strips until the source ends or fails, or no more are wanted. What went wrong is told to `waiting`."""
        try:
            strips = iter(self._source)
            self._pass_on(strips)
        except EdgekitError as error:
            self._waiting.end(error)
        except BaseException as error:
            # Whatever ends this thread must end the line, and not leave it waiting.
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")
            fault = IoFault(
                f"The source failed: {reason}.",
                remedy="What had been captured is judged. Look at the camera, then begin the line again.",
            )
            fault.__cause__ = error
            self._waiting.end(fault)
        else:
            self._waiting.end()

    def _pass_on(self, strips: Iterator[Any]) -> None:
        try:
            for item in strips:
                self.latest_s = self._clock()
                arrival, fault = self._gate.admit(item, self.latest_s)
                if fault is not None:
                    self._note(fault)
                if arrival is not None and not self._waiting.put(arrival):
                    break
        finally:
            # A generator's: lets its `with` and `finally` free the camera.
            close = getattr(strips, "close", None)
            if close is not None:
                close()
