"""How the line starts threads: by an argument, so that a test decides what runs when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Joinable(Protocol):
    """A thread that was started."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, for so many seconds at most."""


StartThread = Callable[[Callable[[], None]], Joinable]


def start_daemon(run: Callable[[], None]) -> Joinable:
    """Run a function on a thread that does not keep the process alive: a camera may never return from its call."""
    thread = threading.Thread(target=run, name=f"edgekit {getattr(run, '__qualname__', 'line')}", daemon=True)
    thread.start()
    return thread
