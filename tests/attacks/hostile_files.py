"""Files that are not what the manifest says."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from edgekit_runtime.errors import (
    BundleFormatError,
    BundleIntegrityError,
)
from tests.attacks.building import attack, forge


@attack(BundleIntegrityError, "'main.onnx' is damaged")
def flipped_byte_in_a_stage(root: Path) -> None:
    content = bytearray((root / "main.onnx").read_bytes())
    content[5] ^= 1
    (root / "main.onnx").write_bytes(content)


@attack(BundleIntegrityError, "is damaged")
def exchanged_files(root: Path) -> None:
    (root / "golden/mask.npy").replace(root / "aside")
    (root / "golden/frame.npy").replace(root / "golden/mask.npy")
    (root / "aside").replace(root / "golden/frame.npy")


@attack(BundleIntegrityError, "'main.onnx' is missing")
def missing_file(root: Path) -> None:
    (root / "main.onnx").unlink()


@attack(BundleIntegrityError, "'extra.so' is in the directory and not in the manifest")
def extra_file(root: Path) -> None:
    (root / "extra.so").write_bytes(b"")


@attack(BundleIntegrityError, "'golden/.hidden'")
def hidden_file_in_a_folder(root: Path) -> None:
    (root / "golden/.hidden").write_bytes(b"")


@attack(BundleIntegrityError, "'empty'")
def extra_empty_folder(root: Path) -> None:
    (root / "empty").mkdir()


@attack(BundleIntegrityError, "'main.onnx' has")
def truncated_file(root: Path) -> None:
    os.truncate(root / "main.onnx", 3)


@attack(BundleIntegrityError, "'main.onnx' has 1099511627776 bytes")
def oversized_file(root: Path) -> None:
    os.truncate(root / "main.onnx", 1 << 40)


@attack(BundleFormatError, "'main.onnx' has 3221225472 bytes")
def file_beyond_two_gigabytes_that_the_manifest_vouches_for(root: Path) -> None:
    os.truncate(root / "main.onnx", 3 << 30)
    forge(root, lambda data: data["files"]["main.onnx"].update(size_bytes=3 << 30))


@attack(BundleFormatError, "257 files")
def too_many_files(root: Path) -> None:
    for index in range(257 - 3):
        (root / f"f{index}").write_bytes(b"")
    info = {"sha256": hashlib.sha256(b"").hexdigest(), "size_bytes": 0}
    forge(root, lambda data: data["files"].update({f"f{index}": info for index in range(257 - 3)}))
