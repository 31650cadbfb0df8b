"""Writing a report or a document: whole or not at all, and refused before minutes were spent on measuring."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.replacing import make_write_fault


def require_writable(path: Path) -> None:
    """Raise unless a file can be written there; nothing is left behind.

    Raises:
        UsageProblem: If its folder does not exist, or a folder has its name.
        IoFault: If the permissions or the disk do not allow it.
    """
    if not path.absolute().parent.is_dir():
        raise UsageProblem(
            f"There is no folder {path.absolute().parent}.", remedy="Make it first, or name another."
        )
    if path.is_dir():
        raise UsageProblem(f"{path} is a folder.", remedy="Name a file, such as report.html.")
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent) as probe:
            probe.write(b"1")
    except OSError as error:
        raise make_write_fault(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, replacing one that is there.

    Raises:
        IoFault: If it cannot be written; the old one is then still there.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # A path in the report need not be text: what UTF-8 cannot say is spelled out.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except OSError as error:
        raise make_write_fault(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
