"""Compiled code that is kept in a folder: sealed when it is written, and looked at before it is loaded.

Numba loads what it finds. A controller that lost power while it wrote, or whose disk turned a bit, would load that; so
every file's SHA-256 is written down beside them, and if one does not match, all are deleted and compiled anew. One
process at a time works in the folder.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

SEAL = "sha256sums"
LOCK = "lock"
_CODE = ("*.nbi", "*.nbc")
"""Numba's names: an index for each function, and its compiled forms."""


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; where the system has no locks, go on without."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            file = held.enter_context((folder / LOCK).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def seal_code(folder: Path) -> None:
    """Write down what every file of compiled code is now; what cannot be written down is compiled anew next time."""
    with contextlib.suppress(OSError):
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(_measure(folder).items()))
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(lines)
        Path(name).replace(folder / SEAL)


def is_sound(folder: Path) -> bool:
    """Return whether compiled code is what was sealed; a folder without any is."""
    try:
        found = _measure(folder)
    except OSError:  # a file that cannot be read is damaged
        return False
    return not found or found == _read_seal(folder)


def discard_damaged_code(folder: Path) -> None:
    """Delete compiled code that is not what was sealed."""
    if not is_sound(folder):
        for pattern in _CODE:
            for path in folder.rglob(pattern):
                with contextlib.suppress(OSError):
                    path.unlink()


def copy_sealed_code(folder: Path) -> Path | None:
    """Return a copy of a folder that cannot be written to, which Numba's cache insists on; None if it is damaged.

    The copy lies in the system's folder for temporary files, is this user's alone, and goes when the process ends: a
    controller that starts often must not fill that folder.
    """
    try:
        copy = Path(tempfile.mkdtemp(prefix="edgekit-jit-"))
    except OSError:
        return None
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    try:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
    except (OSError, shutil.Error):
        return None
    return copy if is_sound(copy) else None


def _measure(folder: Path) -> dict[str, str]:
    """Return file → SHA-256 of all compiled code."""
    files = sorted(path for pattern in _CODE for path in folder.rglob(pattern))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _read_seal(folder: Path) -> dict[str, str]:
    try:
        text = (folder / SEAL).read_text()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("  ") for line in text.splitlines())
    return {name: digest for digest, _, name in pairs}
