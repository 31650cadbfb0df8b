"""What a backend is made with, besides its bundle."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_runtime.backends.devices import Device
from edgekit_runtime.errors import UsageProblem


@dataclass(frozen=True)
class BackendOptions:
    """The choices of a caller that reach every backend.

    Attributes:
        device: Where to run, number included.
        threads: Threads per run; None leaves the choice to the backend.

    Raises:
        UsageProblem: If there are fewer threads than one.
    """

    device: Device
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise UsageProblem(f"threads must be at least 1, got {self.threads}.")
