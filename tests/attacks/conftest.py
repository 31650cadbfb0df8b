"""Hostile bundles: each is a good bundle with one thing changed by a small function, named after the attack.

Where a deeper check is the point, the attacker is given what an attacker has: sizes, hashes and digest are made to
fit again (`forge`, `smuggle`), with code of its own rather than the format's.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import (
    ArtefactRefused,
    BundleFormatError,
    BundleIntegrityError,
    BundleSchemaError,
)

Build = Callable[[Path], None]


@dataclass(frozen=True)
class Attack:
    """How to turn a good bundle into a hostile one, and how that must be refused.

    Attributes:
        build: Changes the bundle at the path.
        error: Exact class of the refusal.
        culprit: What the message must name.
        array: Read this array after opening, which must succeed; None where opening must fail.
    """

    build: Build
    error: type[ArtefactRefused]
    culprit: str
    array: str | None = None


ATTACKS: dict[str, Attack] = {}


def attack(error: type[ArtefactRefused], culprit: str, array: str | None = None) -> Callable[[Build], Build]:
    """Register the decorated function as an attack."""

    def register(build: Build) -> Build:
        ATTACKS[build.__name__] = Attack(build, error, culprit, array)
        return build

    return register


def write_manifest(root: Path, data: Any) -> None:
    data.pop("digest", None)

    def canonical() -> bytes:
        return (json.dumps(data, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()

    data["digest"] = hashlib.sha256(canonical()).hexdigest()
    (root / "manifest.json").write_bytes(canonical())


def forge(root: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the manifest's data and make its digest fit."""
    data = json.loads((root / "manifest.json").read_bytes())
    change(data)
    write_manifest(root, data)


def smuggle(root: Path, name: str, content: bytes, at: Path | None = None) -> None:
    """Write a file that the manifest vouches for."""
    path = at if at is not None else root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    info = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    forge(root, lambda data: data["files"].update({name: info}))


def edit_text(root: Path, old: str, new: str) -> None:
    """Change the manifest's text, and leave the digest as it is."""
    path = root / "manifest.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- files that are not what the manifest says ---


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


# --- links, pipes and other things that are not files ---


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


# --- names that leave the bundle; the file is there and its hash is right ---

ESCAPES = (
    "../outside",
    "/etc/hostname",
    "a\\b",
    "a/../../outside",
    "golden/../main.onnx",
    "..",
    "a\x00b",
    ".hidden",
)


def _escape(name: str) -> Build:
    def build(root: Path) -> None:
        smuggle(root, name, b"outside", at=root.parent / "outside")
        forge(root, lambda data: data["stages"][0].update(file=name))

    return build


for _name in ESCAPES:
    _culprit = "control characters" if "\x00" in _name else repr(_name)
    ATTACKS[f"name_{_name!r}"] = Attack(_escape(_name), BundleFormatError, _culprit)


@attack(BundleFormatError, "'../outside', which is not among the bundle's files")
def stage_that_names_a_file_outside(root: Path) -> None:
    (root.parent / "outside").write_bytes(b"outside")
    forge(root, lambda data: data["stages"][0].update(file="../outside"))


@attack(BundleFormatError, "'/etc/hostname', which is not among the bundle's files")
def golden_sample_that_names_a_file_outside(root: Path) -> None:
    forge(root, lambda data: data["golden"][0].update(frame="/etc/hostname"))


# --- manifests that are no manifests ---


@attack(BundleFormatError, "is not JSON")
def manifest_that_is_not_json(root: Path) -> None:
    (root / "manifest.json").write_bytes(b"schema = edgekit.bundle/1\n")


@attack(BundleFormatError, "is not UTF-8")
def manifest_that_is_a_pickle(root: Path) -> None:
    (root / "manifest.json").write_bytes(pickle.dumps({"schema": "edgekit.bundle/1"}))


@attack(BundleFormatError, "is not JSON")
def manifest_that_is_empty(root: Path) -> None:
    (root / "manifest.json").write_bytes(b"")


@attack(BundleFormatError, "at most 1048576 are allowed")
def manifest_without_end(root: Path) -> None:
    os.truncate(root / "manifest.json", 1 << 40)


@attack(BundleFormatError, "holds the key 'default' twice")
def duplicate_keys(root: Path) -> None:
    edit_text(root, '"default": 0.0,', '"default": 0.0,\n      "default": 9.0,')


@attack(BundleFormatError, "nested deeper")
def deep_nesting(root: Path) -> None:
    (root / "manifest.json").write_bytes(b'{"schema": ' + b"[" * 500_000 + b"]" * 500_000 + b"}")


@attack(BundleFormatError, "nested deeper")
def deep_nesting_where_anything_is_allowed(root: Path) -> None:
    def nest(data: dict[str, Any]) -> None:
        inner: Any = 1
        for _ in range(100):
            inner = [inner]
        data["provenance"]["training"] = {"deep": inner}

    forge(root, nest)


@attack(BundleFormatError, "holds NaN")
def nan_as_a_threshold(root: Path) -> None:
    forge(root, lambda data: data["thresholds"][0].update(default=float("nan")))


@attack(BundleFormatError, "holds -Infinity")
def infinity_as_a_threshold(root: Path) -> None:
    forge(root, lambda data: data["thresholds"][0].update(default=float("-inf")))


@attack(BundleFormatError, "beyond 64-bit floats")
def infinity_in_digits(root: Path) -> None:
    edit_text(root, '"default": 0.0', '"default": 1e999')


@attack(BundleFormatError, "integer of 31 characters")
def huge_integer(root: Path) -> None:
    forge(root, lambda data: data["stages"][0].update(macs=10**30))


@attack(BundleFormatError, "integer of 900000 characters")
def integer_that_takes_minutes_to_parse(root: Path) -> None:
    edit_text(root, '"macs": 1000', '"macs": ' + "7" * 900_000)


@attack(BundleFormatError, "canonical form")
def keys_in_another_order(root: Path) -> None:
    data = json.loads((root / "manifest.json").read_bytes())
    backwards = dict(reversed(data.items()))
    (root / "manifest.json").write_text(json.dumps(backwards, indent=2, ensure_ascii=False) + "\n")


@attack(BundleFormatError, "canonical form")
def trailing_spaces(root: Path) -> None:
    with (root / "manifest.json").open("ab") as file:
        file.write(b" \n")


@attack(BundleIntegrityError, "manifest.json is damaged")
def threshold_without_a_new_digest(root: Path) -> None:
    edit_text(root, '"default": 0.0', '"default": 8.0')


@attack(BundleSchemaError, "newer schema 'edgekit.bundle/2'; this release reads 'edgekit.bundle/1'")
def newer_schema_with_keys_of_its_own(root: Path) -> None:
    forge(root, lambda data: data.update(schema="edgekit.bundle/2", unknown={"more": 1}))


@attack(BundleFormatError, "no schema 'edgekit.bundle/1'")
def schema_of_another_document(root: Path) -> None:
    forge(root, lambda data: data.update(schema="edgekit.checkpoint/1"))


# --- manifests with a fitting digest whose content lies ---

FORGED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown_key": (
        lambda data: data["stages"][0].update(run="rm"),
        "manifest.stages[0] has the unknown key 'run'",
    ),
    "missing_key": (lambda data: data["input"].pop("scale"), "manifest.input lacks the key 'scale'"),
    "list_for_an_object": (lambda data: data.update(files=[]), "manifest.files must be"),
    "truth_for_a_number": (
        lambda data: data["input"].update(height=True),
        "manifest.input.height must be int",
    ),
    "text_for_a_number": (
        lambda data: data["input"].update(scale="255"),
        "manifest.input.scale must be float",
    ),
    "fraction_for_a_count": (
        lambda data: data["input"].update(batch=1.5),
        "manifest.input.batch must be int",
    ),
    "unknown_precision": (lambda data: data.update(precision="int2"), "manifest.precision must be one of"),
    "petabyte_frame": (lambda data: data["input"].update(height=1 << 50, width=1 << 50), "input.height is"),
    "negative_size": (
        lambda data: data["files"]["main.onnx"].update(size_bytes=-1),
        "'main.onnx' has -1 bytes",
    ),
    "escape_codes_in_a_class": (
        lambda data: data["model"].update(classes=["ok", "\x1b]0;owned\x07"]),
        "manifest.model.classes[1] holds control characters",
    ),
    "stage_name_that_is_a_path": (lambda data: data["stages"][0].update(name="../../x"), "'../../x'"),
    "no_stage": (lambda data: data.update(stages=[], thresholds=[], golden=[]), "0 stages"),
    "two_masks_to_choose_from": (
        lambda data: data["stages"][0]["outputs"].append(
            {**data["stages"][0]["outputs"][0], "name": "other_mask"}
        ),
        "exactly one mask",
    ),
    "object_dtype": (lambda data: data["stages"][0]["outputs"][0].update(dtype="object"), "'object'"),
}


def _forged(change: Callable[[dict[str, Any]], Any]) -> Build:
    return lambda root: forge(root, change)


for _title, (_change, _culprit) in FORGED.items():
    ATTACKS[_title] = Attack(_forged(_change), BundleFormatError, _culprit)


# --- arrays with fitting hashes ---

GOLDEN = "golden/mask.npy"


def npy(descr: str, shape: str, payload: bytes) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + payload


class Exploit:
    """Would make a file if anything unpickled it."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("exploited",))


@attack(BundleFormatError, f"'{GOLDEN}' promises float32 (1000000, 1000000), 4000000000000 bytes", GOLDEN)
def array_that_promises_terabytes(root: Path) -> None:
    smuggle(root, GOLDEN, npy("<f4", "(1000000, 1000000)", b"abcd"))


@attack(BundleFormatError, f"'{GOLDEN}'", GOLDEN)
def array_of_pickled_objects(root: Path) -> None:
    smuggle(root, GOLDEN, npy("|O", "(1,)", pickle.dumps([Exploit()])))


@attack(BundleFormatError, f"'{GOLDEN}' is no .npy file", GOLDEN)
def array_that_is_a_bare_pickle(root: Path) -> None:
    smuggle(root, GOLDEN, pickle.dumps(Exploit()))


@attack(BundleFormatError, f"'{GOLDEN}'", GOLDEN)
def array_header_with_code(root: Path) -> None:
    smuggle(root, GOLDEN, npy("|u1", "(__import__('os').mkdir('exploited'),)", b"abcd"))


@attack(BundleFormatError, f"'{GOLDEN}'", GOLDEN)
def array_header_that_is_cut(root: Path) -> None:
    smuggle(root, GOLDEN, npy("|u1", "(4,)", b"")[:-9])


@pytest.fixture(params=sorted(ATTACKS))
def hostile(request: pytest.FixtureRequest, segment_bundle: Bundle) -> tuple[Path, Attack]:
    """The path of a hostile bundle, and its attack."""
    chosen = ATTACKS[request.param]
    chosen.build(segment_bundle.path)
    return segment_bundle.path, chosen
