"""Opening a bundle and reading from it: nothing leaves here that the manifest does not vouch for."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt

from edgekit_runtime.bundle.canonical_json import MAX_BYTES
from edgekit_runtime.bundle.manifest import FileInfo, Manifest
from edgekit_runtime.bundle.manifest_bytes import parse_manifest
from edgekit_runtime.bundle.names import MANIFEST_FILE
from edgekit_runtime.bundle.npy import NpyError, parse_array
from edgekit_runtime.bundle.regular_files import check_listing, open_regular
from edgekit_runtime.errors import BundleFormatError, BundleIntegrityError, IoFault, UsageProblem

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. It holds no resources; make one with `Bundle.open`.

    Attributes:
        path: The bundle's directory, absolute and without links.
        manifest: What the bundle says about itself.
        digest: SHA-256 of the manifest as hex digits; through the hashes in it, of every byte of the bundle.
    """

    path: Path
    manifest: Manifest
    digest: str

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> Bundle:
        """Open a bundle: check its manifest, and its files' names, kinds, sizes and bytes.

        Args:
            path: The directory `NAME.edgekit`, or a link to it.
            verify: Hash every file now. Without it a damaged file is refused when it is read.

        Raises:
            UsageProblem: If nothing is there.
            BundleFormatError: If it is no directory, has no manifest, or the manifest breaks the format.
            BundleSchemaError: If another edgekit wrote it.
            BundleIntegrityError: If a file is damaged, missing, extra, a link or of another size.
            IoFault: If the disk or the permissions fail.
        """
        return open_bundle(path, parse_manifest, verify=verify)

    def verify_file(self, name: str) -> None:
        """Hash one file, in constant memory.

        Raises:
            BundleIntegrityError: If its bytes are not those that were hashed at export.
            IoFault: If it cannot be read.
        """
        info = self._info(name)
        hasher, size = hashlib.sha256(), 0
        with self._open(name, info) as file:
            while size <= info.size_bytes and (chunk := file.read(_CHUNK_BYTES)):
                hasher.update(chunk)
                size += len(chunk)
        self._require(name, info, size, hasher.hexdigest())

    def read(self, name: str) -> bytes:
        """Return a file's bytes, verified on this very copy: it is what the deserialiser gets.

        Args:
            name: Bundle-relative name, as in `manifest.files`.

        Raises:
            UsageProblem: If the manifest names no such file.
            BundleIntegrityError: If the bytes are not those that were hashed at export.
            IoFault: If the file cannot be read.
        """
        info = self._info(name)
        with self._open(name, info) as file:
            raw = file.read(info.size_bytes + 1)
        self._require(name, info, len(raw), hashlib.sha256(raw).hexdigest())
        return raw

    def read_array(self, name: str) -> npt.NDArray[Any]:
        """Return a .npy file's array, read-only.

        Raises:
            BundleFormatError: If the file is no array; besides, whatever `read` raises.
        """
        try:
            return parse_array(self.read(name))
        except NpyError as error:
            raise BundleFormatError(f"{self.path}: {name!r} {error}.") from error

    def _info(self, name: str) -> FileInfo:
        info = self.manifest.files.get(name)
        if info is None:
            raise UsageProblem(
                f"{self.path}: the bundle has no file {name!r}.",
                remedy=f"It has: {', '.join(sorted(self.manifest.files))}.",
            )
        return info

    @contextlib.contextmanager
    def _open(self, name: str, info: FileInfo) -> Iterator[BinaryIO]:
        with open_regular(self.path, name) as file:
            self._require_size(name, info, os.fstat(file.fileno()).st_size)  # before memory is taken for it
            yield file

    def _require(self, name: str, info: FileInfo, size: int, sha256: str) -> None:
        self._require_size(name, info, size)
        if sha256 != info.sha256:
            raise BundleIntegrityError(
                f"{self.path}: {name!r} is damaged: its SHA-256 starts with {sha256[:12]}, "
                f"the manifest says {info.sha256[:12]}."
            )

    def _require_size(self, name: str, info: FileInfo, size: int) -> None:
        if size != info.size_bytes:
            raise BundleIntegrityError(
                f"{self.path}: {name!r} has {size} bytes; the manifest says {info.size_bytes}."
            )


def open_bundle(
    path: str | Path, parse: Callable[[bytes, str], tuple[Manifest, str]], *, verify: bool
) -> Bundle:
    """Open a bundle whose manifest is read by `parse`: (bytes, their place) → (manifest, digest).

    Arguments and errors are otherwise those of `Bundle.open`, which reads this release's schema.
    """
    root = _find_directory(Path(path))
    manifest, digest = parse(_read_manifest(root), f"{root}: {MANIFEST_FILE}")
    check_listing(root, {name: info.size_bytes for name, info in manifest.files.items()})
    bundle = Bundle(root, manifest, digest)
    if verify:
        for name in manifest.files:
            bundle.verify_file(name)
    return bundle


def _find_directory(path: Path) -> Path:
    """Return the directory with links resolved, so that a link that moves later cannot mix two bundles."""
    try:
        root = path.resolve(strict=True)
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a null byte
        raise UsageProblem(
            f"{path}: there is no bundle here.", remedy="Check the path; `edgekit export` writes bundles."
        ) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links before Python 3.13
        raise IoFault(
            f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.",
            remedy="Check the path and its permissions.",
        ) from error
    if not stat.S_ISDIR(mode):
        raise BundleFormatError(f"{path}: a bundle is a directory, and this is a file.")
    return root


def _read_manifest(root: Path) -> bytes:
    try:
        (root / MANIFEST_FILE).lstat()
    except FileNotFoundError as error:
        raise BundleFormatError(
            f"{root}: no {MANIFEST_FILE} in this directory, so it is no bundle."
        ) from error
    except PermissionError:
        pass  # opening it names the fault
    with open_regular(root, MANIFEST_FILE) as file:
        return file.read(MAX_BYTES + 1)
