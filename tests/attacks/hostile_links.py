"""Links, pipes and other things that are not files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from edgekit_runtime.errors import (
    BundleFormatError,
    BundleIntegrityError,
)
from tests.attacks.building import attack


@attack(BundleIntegrityError, "'main.onnx' must be a regular file, and is a link")
def file_that_is_a_link_to_its_own_content(root: Path) -> None:
    (root / "main.onnx").rename(root.parent / "outside")
    (root / "main.onnx").symlink_to(root.parent / "outside")


@attack(BundleIntegrityError, "'main.onnx' must be a regular file, and is a link")
def link_to_an_endless_device(root: Path) -> None:
    (root / "main.onnx").unlink()
    (root / "main.onnx").symlink_to("/dev/zero")


@attack(BundleIntegrityError, "'golden' must be a folder, and is a link")
def folder_that_is_a_link(root: Path) -> None:
    (root / "golden").rename(root.parent / "outside")
    (root / "golden").symlink_to(root.parent / "outside")


@attack(BundleIntegrityError, "'manifest.json' is a link")
def manifest_that_is_a_link(root: Path) -> None:
    (root / "manifest.json").rename(root.parent / "outside")
    (root / "manifest.json").symlink_to(root.parent / "outside")


@attack(BundleIntegrityError, "'manifest.json' is a link")
def manifest_that_is_a_dangling_link(root: Path) -> None:
    (root / "manifest.json").unlink()
    (root / "manifest.json").symlink_to("nowhere")


@attack(BundleIntegrityError, "'main.onnx' must be a regular file, and is a pipe")
def file_that_is_a_pipe(root: Path) -> None:
    (root / "main.onnx").unlink()
    os.mkfifo(root / "main.onnx")


@attack(BundleIntegrityError, "'manifest.json' must be a regular file, and is a pipe")
def manifest_that_is_a_pipe(root: Path) -> None:
    (root / "manifest.json").unlink()
    os.mkfifo(root / "manifest.json")


@attack(BundleIntegrityError, "'manifest.json'")
def manifest_that_is_a_folder(root: Path) -> None:
    (root / "manifest.json").unlink()
    (root / "manifest.json").mkdir()


@attack(BundleIntegrityError, "'main.onnx' must be a regular file, and is a socket")
def file_that_is_a_socket(root: Path) -> None:
    (root / "main.onnx").unlink()
    before = Path.cwd()
    os.chdir(root)  # the path of a socket may have 107 characters
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("main.onnx")
    finally:
        os.chdir(before)


@attack(BundleFormatError, "no manifest.json")
def no_manifest(root: Path) -> None:
    (root / "manifest.json").unlink()
