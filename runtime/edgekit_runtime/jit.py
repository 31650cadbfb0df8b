"""Compiling kernels with Numba, once per machine: machine code is kept in the state folder.

Modules of kernels import this one, and are themselves imported on use: nothing here runs unless Numba is wanted.
The folder is named by what the code depends on (the kernels' sources, Numba, NumPy, Python); Numba itself keeps
processors apart. It stores what it needs to find its code as a pickle, which is why only a folder that no other
user can write to is taken.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_runtime.errors import EnvironmentMismatch
from edgekit_runtime.kept_code import copy_sealed_code, discard_damaged_code, hold_folder, seal_code
from edgekit_runtime.optional import import_optional
from edgekit_runtime.state_folder import StateFolder, open_state_folder

EXTRA = "cpu"
_HERE = Path(__file__).parent
_SOURCES = ("jit.py", "labelling/*.py", "backends/fused/*.py")
"""Files that kernels are made of: Numba looks at the file of a function, not at those of what it calls."""

_one_at_a_time = threading.Lock()
"""Numba's folder is a setting of the whole process."""


def kernel(*arguments: Any, returns: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for arguments of these Numba types now, or load what an earlier process compiled.

    It runs without the interpreter's lock; arithmetic rounds as IEEE says, operation by operation, and dividing by
    zero does not raise. Arrays that are only read should be typed so, and then take those that can be written too.
    """
    numba = import_optional("numba", extra=EXTRA)
    if numba.config.DISABLE_JIT:
        raise EnvironmentMismatch(
            "NUMBA_DISABLE_JIT is set, and kernels are of no use uncompiled.",
            remedy="Unset it, or choose another backend.",
        )

    def compile_function(function: Callable[..., Any]) -> Any:
        signature = returns(*arguments)
        cache = find_cache()
        if cache.path is None:
            return _compile(numba, function, signature, None)
        with _one_at_a_time, hold_folder(cache.path) if cache.writable else contextlib.nullcontext():
            if not cache.writable:
                return _compile(numba, function, signature, cache.path)
            discard_damaged_code(cache.path)
            compiled = _compile(numba, function, signature, cache.path)
            if not compiled.stats.cache_hits:
                seal_code(cache.path)
            return compiled

    return compile_function


def _compile(numba: Any, function: Callable[..., Any], signature: Any, folder: Path | None) -> Any:
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    if folder is not None:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder)
        try:
            compiled.enable_caching()
        finally:
            numba.config.CACHE_DIR = previous
    try:
        compiled.compile(signature)
    except OSError:
        # The disk is full, say: what was compiled works, and is not kept.
        if not compiled.signatures:
            return _compile(numba, function, signature, None)
    compiled.disable_compile()
    return compiled


def inline(function: Callable[..., Any]) -> Any:
    """Compile a function as a part of the kernels that call it."""
    numba = import_optional("numba", extra=EXTRA)
    return numba.njit(nogil=True, error_model="numpy")(function)


def describe_origin(compiled: Any) -> str:
    """Return where a kernel came from, as a sentence for people; empty where it was loaded from the state folder."""
    if compiled.stats.cache_hits:
        return ""
    cache = find_cache()
    if cache.writable and cache.path is not None:
        return f"Its kernels were compiled, which takes seconds, and are kept in {cache.path}."
    return f"Its kernels were compiled, which takes seconds, and cannot be kept: {cache.reason}."


@functools.cache
def find_cache() -> StateFolder:
    """Return where this process looks for compiled code and keeps it, or why it does not."""
    numba = import_optional("numba", extra=EXTRA)
    sources = [path for pattern in _SOURCES for path in sorted(_HERE.glob(pattern))]
    versions = (numba.__version__, np.__version__, sys.version.split()[0])
    found = open_state_folder(f"jit/{_digest(sources, versions)}")
    if found.path is None or found.writable:
        return found
    return StateFolder(copy_sealed_code(found.path), found.reason, writable=False)


def _digest(sources: Iterable[Path], versions: Iterable[str]) -> str:
    hasher = hashlib.sha256(" ".join(versions).encode())
    for path in sources:
        hasher.update(path.read_bytes())
    return hasher.hexdigest()[:16]
