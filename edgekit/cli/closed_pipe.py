"""Output that nobody reads any more (`edgekit models | head`): it ends quietly."""

from __future__ import annotations

import os
import sys


def forget_reader() -> None:
    """Let what is still printed go nowhere, so that neither the command nor Python at its exit complains about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
