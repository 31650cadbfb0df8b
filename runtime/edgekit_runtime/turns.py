"""One caller after the other, where stages keep memory between their runs."""

from __future__ import annotations

import threading

from edgekit_runtime.errors import UsageProblem


class Turns:
    """Used as `with turns:`. A second thread waits for its turn; a call from within a turn is refused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caller: int | None = None

    def __enter__(self) -> None:
        caller = threading.get_ident()
        if self._caller == caller:
            raise UsageProblem(
                "An exit policy called the detector that was asking it: both would write into the same feature maps.",
                remedy="Let the policy decide by the probabilities that it is given, or open a second Detector for it.",
            )
        self._lock.acquire()
        self._caller = caller

    def __exit__(self, *_error: object) -> None:
        self._caller = None
        self._lock.release()
