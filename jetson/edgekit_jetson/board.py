"""Whether this machine is a Jetson board, and which."""

from __future__ import annotations

from pathlib import Path

from edgekit_runtime.errors import EnvironmentMismatch
from edgekit_runtime.platforms import Jetson, detect_jetson


def require_jetson(root: Path = Path("/")) -> Jetson:
    """Return the board.

    Args:
        root: Where the file system starts.

    Raises:
        EnvironmentMismatch: If this machine is none.
    """
    board = detect_jetson(root)
    if board is None:
        raise EnvironmentMismatch(
            "This machine is not a Jetson board.",
            remedy="Run the command on the board. (Measuring a board from here with --host is not available yet.)",
        )
    return board
