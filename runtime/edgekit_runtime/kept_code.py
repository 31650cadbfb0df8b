"""Compiled code that is kept in a folder: sealed when it is written, and looked at before it is loaded.

Numba loads what it finds. A controller that lost power while it wrote, or whose disk turned a bit, would load that; so
every file's SHA-256 is written down beside them, and if one does not match, all are deleted and compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

SEAL = "sha256sums"
_CODE = ("*.nbi", "*.nbc")
"""Numba's names: an index for each function, and its compiled forms."""


def seal_code(folder: Path) -> None:
    """Write down what every file of compiled code is now; a folder that cannot be written to stays unsealed."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(_measure(folder).items()))
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(lines)
        Path(name).replace(folder / SEAL)


def discard_damaged_code(folder: Path) -> None:
    """Delete compiled code that is not what was sealed."""
    found = _measure(folder)
    if found and found != _read_seal(folder):
        for name in found:
            (folder / name).unlink(missing_ok=True)


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
