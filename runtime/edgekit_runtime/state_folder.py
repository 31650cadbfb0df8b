"""The state folder: what a machine derives from bundles, such as compiled code, lies here and never in a bundle.

`EDGEKIT_STATE` names it; otherwise it is `edgekit` in the user's state directory (XDG_STATE_HOME, ~/.local/state).
What lies in it is executed, so that it must belong to this user and be closed to the others' writing.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "EDGEKIT_STATE"


@dataclass(frozen=True)
class StateFolder:
    """Where derived files can be kept.

    Attributes:
        path: The folder; None where there is none that may be trusted.
        reason: Why nothing can be kept, in words; empty where it can.
        writable: Whether files can be put into it; where not, what lies there may still be used.
    """

    path: Path | None
    reason: str = ""
    writable: bool = True


def open_state_folder(name: str, environ: Mapping[str, str] = os.environ) -> StateFolder:
    """Return a folder of the state folder, made if need be, mode 0700.

    A machine without a place that can be written to (a read-only root, a full disk) uses what was put there before, or
    works without, more slowly: the reason says so, and nothing is raised.

    Args:
        name: Of the folder inside, such as "jit/0.1.0".
        environ: Environment variables.
    """
    root = _find_root(environ)
    if root is None:
        return StateFolder(None, f"this user has no home; set {VARIABLE} to a folder")
    folder = root / name
    parts = (root, *reversed(folder.parents[: len(Path(name).parts) - 1]), folder)
    try:
        for path in parts:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"1")
        reason = ""
    except OSError as error:
        reason = f"{folder}: {error.strerror or error}"
    try:
        fault = next((fault for fault in map(_find_owner_fault, parts) if fault is not None), None)
    except OSError:
        return StateFolder(None, reason)
    if fault is not None:
        return StateFolder(None, fault)
    return StateFolder(folder, reason, writable=not reason)


def _find_root(environ: Mapping[str, str]) -> Path | None:
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).absolute()
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]).absolute() / "edgekit"
    home = environ.get("HOME")
    return Path(home) / ".local" / "state" / "edgekit" if home else None


def _find_owner_fault(path: Path) -> str | None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a link, which could be turned elsewhere"
    # What belongs to root may have been put there when the image of this machine was built.
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to another user, who could put code into it"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be written by others, who could put code into it; run: chmod go-w {path}"
    return None
