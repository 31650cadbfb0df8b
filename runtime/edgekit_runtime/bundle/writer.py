"""Writing a bundle: complete, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import stat
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from edgekit_runtime.bundle.manifest import FileInfo, Manifest
from edgekit_runtime.bundle.manifest_bytes import manifest_bytes
from edgekit_runtime.bundle.names import BUNDLE_SUFFIX, MANIFEST_FILE
from edgekit_runtime.bundle.reader import Bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.replacing import make_write_fault, staged_directory


def write_bundle(target: str | Path, manifest: Manifest, files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle, replacing the bundle that may be there.

    Equal arguments give equal bytes. The target is replaced in one step: a process that is killed at any
    moment leaves the old bundle or the new one.

    Args:
        target: `NAME.edgekit`, in a directory that exists.
        manifest: Its `files` are ignored and filled from `files`.
        files: Bundle-relative name → content, without the manifest.

    Returns:
        The written bundle.

    Raises:
        UsageProblem: If the name does not end in .edgekit, or something that is no bundle is there.
        BundleFormatError: If the manifest or the names break the format; nothing was written.
        IoFault: If the disk or the permissions fail; the target is as it was.
    """
    target = Path(target)
    check_bundle_target(target)
    infos = {
        name: FileInfo(hashlib.sha256(content).hexdigest(), len(content))
        for name, content in sorted(files.items())
    }
    raw = manifest_bytes(dataclasses.replace(manifest, files=infos))
    with staged_directory(target) as staged:
        for name, content in chain(files.items(), [(MANIFEST_FILE, raw)]):
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        Bundle.open(staged)  # what this release would refuse to read never reaches the target
    return Bundle.open(target, verify=False)


def check_other_place(source: Path, target: Path) -> None:
    """Refuse a place for a new bundle that is made of another one: no place for a bundle, or that other one itself.

    Raises:
        UsageProblem: See above, and `check_bundle_target`.
        IoFault: If that cannot be found out.
    """
    check_bundle_target(target)
    if target.resolve() == source.resolve():
        raise UsageProblem(
            f"{target} is the bundle itself, and a bundle never changes.",
            remedy=f"Give the new bundle another name, such as new{BUNDLE_SUFFIX}.",
        )


def check_bundle_target(target: Path) -> None:
    """Refuse a target that a bundle must not replace; callers use it before they start a long export.

    Raises:
        UsageProblem: If the name does not end in .edgekit, its folder is missing, or a file, a link or another
            directory is there.
        IoFault: If that cannot be found out.
    """
    if not target.name.endswith(BUNDLE_SUFFIX) or target.name == BUNDLE_SUFFIX:
        raise UsageProblem(
            f"{target}: the name of a bundle ends in {BUNDLE_SUFFIX}.",
            remedy=f"Name it NAME{BUNDLE_SUFFIX}.",
        )
    if not target.parent.is_dir():
        raise UsageProblem(
            f"{target.parent} is no directory.", remedy="Make it first, or name another place."
        )
    try:
        mode = target.lstat().st_mode
        has_manifest = stat.S_ISDIR(mode) and (target / MANIFEST_FILE).is_file()
    except FileNotFoundError:
        return
    except OSError as error:
        raise make_write_fault(target, error) from error
    if not has_manifest:
        kind = (
            "a link"
            if stat.S_ISLNK(mode)
            else f"a directory without {MANIFEST_FILE}"
            if stat.S_ISDIR(mode)
            else "a file"
        )
        raise UsageProblem(
            f"{target} is {kind}; only a bundle is replaced by a bundle.",
            remedy="Choose another name, or move what is there away.",
        )
