"""What a backend is made with, besides its bundle."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_runtime.backends.devices import Device
from edgekit_runtime.errors import UsageProblem

MAX_THREADS = 256
"""More than any core count this is meant for: a number beyond it is a slip of the keyboard."""


@dataclass(frozen=True)
class BackendOptions:
    """The choices of a caller that reach every backend.

    Attributes:
        device: Where to run, number included.
        threads: Threads per run; None leaves the choice to the backend.

    Raises:
        UsageProblem: If the number of threads is none that a machine has.
    """

    device: Device
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise UsageProblem(
                f"threads must be at least 1 and at most {MAX_THREADS}, got {self.threads}.",
                remedy="Leave them out to take one per core.",
            )
