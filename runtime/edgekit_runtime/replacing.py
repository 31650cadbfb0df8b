"""Replacing a directory as a whole: readers see the old one or the new one, whatever kills the writer.

A directory is written beside its target as `.NAME.tmp-PID-RANDOM`, flushed to the disk and exchanged with the
target in one step. The writer holds a lock (flock) on it that the kernel drops with the process, which is how
the next writer of the same target tells a leftover from a directory that somebody is still filling. A process
id alone would not do: ids are used again, and two containers that share a disk count their own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from edgekit_runtime.errors import IoFault, UsageProblem

_REMEDIES = {
    errno.ENOSPC: "Free some space on this disk, then run the command again.",
    errno.EDQUOT: "Your disk quota is used up: free some space, then run the command again.",
    errno.EFBIG: "Raise the limit on file sizes (`ulimit -f`), or write to another file system.",
    errno.EACCES: "Choose a place that you may write to, or change its permissions.",
    errno.EPERM: "Choose a place that you may write to, or change its permissions.",
    errno.EROFS: "This file system is read-only: choose another place.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
_CANNOT_LOCK = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.ENOLCK, errno.EBADF)
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_ATTEMPTS = 100


@contextlib.contextmanager
def staged_directory(target: Path) -> Iterator[Path]:
    """Yield a new directory to fill; on success it replaces `target`, on any error it is removed.

    What killed writers of the same target left is cleared first. Two writers at once do not disturb each
    other; the later one's content stays.

    Args:
        target: Where the content shall be. Its parent must exist; if it exists itself it must be a directory.

    Raises:
        UsageProblem: If the parent does not exist, or the target is a link or a file.
        IoFault: If the disk or the permissions fail, here or in the body.
    """
    target = target.absolute()
    staged: Path | None = None
    lock: int | None = None
    try:
        _check_target(target)
        clear_leftovers(target)
        staged, lock = _make_locked(target)
        yield staged
        _flush_tree(staged)
        replace_directory(staged, target)
    except OSError as error:
        raise make_write_fault(target, error) from error
    finally:
        if staged is not None:
            _remove(staged)  # what was staged; after an exchange, the old content
        _release(lock)


def replace_directory(staged: Path, target: Path) -> None:
    """Put the directory `staged` in the place of `target` and remove what was there.

    On Linux the two are exchanged in one step (renameat2). Where the kernel or the file system cannot, the
    old content first becomes `.NAME.old-PID-RANDOM`, from where `clear_leftovers` brings it back should this
    process be killed between the two steps: at no moment are both lost.

    Raises:
        UsageProblem: If the target is a link or a file.
        OSError: If the file system fails; both directories are then where they were.
    """
    _check_target(target)
    for _ in range(_ATTEMPTS):
        if _move_into_place(staged, target):
            break
    else:
        raise OSError(errno.EBUSY, "other processes keep replacing it")
    _flush_directory(target.parent)
    _remove(staged)


def clear_leftovers(target: Path) -> None:
    """Remove what killed writers of `target` left beside it; content that they had set aside comes back."""
    pattern = re.compile(
        rf"\.{re.escape(target.name)}\.(?P<kind>tmp|old)-(?P<pid>\d+)-[0-9a-f]{{8}}", re.ASCII
    )
    for leftover in sorted(target.parent.iterdir()):
        match = pattern.fullmatch(leftover.name)
        if match is None:
            continue
        try:
            lock = _lock(leftover)
        except OSError:
            continue  # its writer is alive, or another process has just removed it, or it is no directory
        try:
            if lock is None and _is_alive(int(match["pid"])):
                continue
            if match["kind"] == "old" and not os.path.lexists(target):
                _bring_back(leftover, target)
            else:
                _remove(leftover)
        finally:
            _release(lock)


def make_write_fault(target: Path, error: OSError) -> IoFault:
    """Return the error to raise for an OSError met while writing `target`."""
    return IoFault(
        f"{target} cannot be written: {error.strerror or error}.",
        remedy=_REMEDIES.get(error.errno or 0),
    )


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise UsageProblem(
            f"{target.parent} is no directory.", remedy="Create it first, or choose a place that exists."
        )
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise UsageProblem(
            f"{target} is a link.", remedy="Name the directory that it points to, or remove the link."
        )
    if not stat.S_ISDIR(mode):
        raise UsageProblem(f"{target} is a file.", remedy="Choose another name, or move the file away.")


def _bring_back(aside: Path, target: Path) -> None:
    try:
        aside.rename(target)
    except OSError as error:
        # Another writer has removed it, or has put newer content there, a moment ago.
        if error.errno not in (errno.ENOENT, *_NOT_EMPTY):
            raise


def _make_locked(target: Path) -> tuple[Path, int | None]:
    """Make the staging directory and lock it; None where the file system has no locks."""
    for _ in range(_ATTEMPTS):
        staged = _beside(target, "tmp")
        staged.mkdir()
        # Before the lock is held, a writer of the same target may take the directory for a leftover.
        try:
            lock = _lock(staged)
        except (BlockingIOError, FileNotFoundError):
            continue
        if lock is None or _holds(lock, staged):
            return staged, lock
        _release(lock)
    raise OSError(errno.EBUSY, "other processes keep clearing its staging directory")


def _move_into_place(staged: Path, target: Path) -> bool:
    """Move or exchange; False if another writer moved the target meanwhile and it must be tried again."""
    try:
        staged.rename(target)  # onto nothing, or onto an empty directory
        return True
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise
    try:
        return _exchange(staged, target) or _swap_aside(staged, target)
    except FileNotFoundError:
        return False


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two directories in one step; False where the kernel or the file system cannot."""
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # macOS; musl before 1.2.6
        return False
    if renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(first), None, str(second))


def _swap_aside(staged: Path, target: Path) -> bool:
    """Exchange in two steps; False if another writer came in between and it must be tried again."""
    aside = _beside(target, "old")
    lock = _lock(target, wait=True)  # keeps other writers from bringing the old content back
    try:
        if lock is not None and not _holds(lock, target):
            return False
        target.rename(aside)
        try:
            staged.rename(target)
        except BaseException as error:
            if not os.path.lexists(target):
                aside.rename(target)
            elif isinstance(error, OSError) and error.errno in _NOT_EMPTY:
                _remove(aside)
                return False
            raise
        _remove(aside)
        return True
    finally:
        _release(lock)


def _beside(target: Path, kind: str) -> Path:
    return target.parent / f".{target.name}.{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def _lock(directory: Path, *, wait: bool = False) -> int | None:
    """Lock a directory and return the descriptor that holds the lock; None where there are no locks.

    Raises:
        BlockingIOError: If another process holds the lock and `wait` is False.
        OSError: If the directory is gone, or is a link or a file.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError) and error.errno in _CANNOT_LOCK:
            return None
        raise
    return descriptor


def _holds(lock: int, directory: Path) -> bool:
    """Whether the lock is on what has the directory's name now."""
    try:
        return os.path.samestat(os.fstat(lock), directory.stat())
    except FileNotFoundError:
        return False


def _release(lock: int | None) -> None:
    if lock is not None:
        # A process that was forked meanwhile shares the lock, so that closing alone would not release it.
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _flush_tree(directory: Path) -> None:
    """Put the content on the disk, before the name that promises it."""
    for folder, _, files in os.walk(directory):
        for name in files:
            descriptor = os.open(Path(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _flush_directory(Path(folder))


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems flush no directories
            raise
    finally:
        os.close(descriptor)


def _remove(directory: Path) -> None:
    """Remove a directory; what cannot be removed now is cleared at the next write."""
    shutil.rmtree(directory, ignore_errors=True)
