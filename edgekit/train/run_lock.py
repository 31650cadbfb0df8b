"""Two trainings never write into one folder: the second one is told so."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgekit_runtime.errors import IoFault, UsageProblem

LOCK_FILE = ".lock"


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold a folder that exists for one training; the kernel lets go of it when the process ends, however it ends.

    Raises:
        UsageProblem: If another process trains in it.
        IoFault: If the folder cannot be written.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise IoFault(f"{folder} cannot be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageProblem(
                f"Another process is training in {folder}.",
                remedy="Wait until it has ended, or begin a run with another --out.",
            ) from error
        yield
    finally:
        os.close(descriptor)
