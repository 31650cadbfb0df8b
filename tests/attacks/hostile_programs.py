"""Manifests whose programs lie, and files of weights that are not what the operations need."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_runtime.bundle import arrays_bytes
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.bundle.npy import array_bytes
from edgekit_runtime.errors import BundleFormatError, BundleIntegrityError
from tests.attacks.building import ATTACKS, Attack, Build, attack, forge, smuggle
from tests.attacks.hostile_arrays import Exploit, npy
from tests.runtime.bundle.small_programs import PROGRAM, WEIGHTS_FILE, make_weights

Change = Callable[[dict[str, Any]], Any]


def add_program(root: Path, weights: bytes | None = None) -> None:
    """Give the bundle a program, a good one unless the bytes of its weights are given."""
    smuggle(root, WEIGHTS_FILE, arrays_bytes(make_weights()) if weights is None else weights)
    forge(root, lambda data: data["stages"][0].update(program=encode(PROGRAM)))


def _operation(index: int, **changes: Any) -> Change:
    return lambda program: program["operations"][index].update(changes)


FORGED: dict[str, tuple[Change, str]] = {
    "program_of_unknown_inputs": (_operation(1, inputs=["elsewhere"]), "'down' take elsewhere"),
    "program_that_takes_itself": (_operation(1, inputs=["down"]), "'down' take down"),
    "program_of_giant_channels": (_operation(0, channels=1 << 40), "'stem' with 1099511627776 channels"),
    "program_of_negative_channels": (_operation(0, channels=-1), "'stem' with -1 channels"),
    "program_with_a_fraction_of_a_stride": (_operation(0, stride=1.5), "operations[0].stride must be int"),
    "program_shifted_beyond_float32": (
        lambda program: program.update(frame_shift=1e300),
        "frame_shift 1e+300",
    ),
    "program_with_a_name_twice": (_operation(1, name="stem"), "the name 'stem' to two tensors"),
    "program_named_like_the_frame": (_operation(0, name="frame"), "the name 'frame' to two tensors"),
    "program_with_escape_codes": (_operation(0, name="\x1b[2J"), "holds control characters"),
    "program_of_an_unknown_kind": (_operation(0, kind="python"), "operations[0].kind must be one of"),
    "program_with_an_unknown_key": (_operation(0, code="import os"), "has the unknown key 'code'"),
    "program_of_no_operation": (lambda program: program.update(operations=[]), "has 0 operations"),
    "program_of_too_many_operations": (
        lambda program: program.update(operations=program["operations"][:1] * 300),
        "has 300 operations",
    ),
    "program_that_doubles_without_end": (
        lambda program: program["operations"].insert(
            4, {**program["operations"][3], "name": "up2", "inputs": ["up"]}
        ),
        "'up2' of 16×32 pixels, more than the frame",
    ),
    "program_without_a_file": (
        lambda program: program.update(weights="other.npz"),
        "'other.npz', which is not among the bundle's files",
    ),
    "program_whose_file_is_a_path": (
        lambda program: program.update(weights="../../etc/passwd"),
        "'../../etc/passwd', which is not among the bundle's files",
    ),
}


def _forged(change: Change) -> Build:
    def build(root: Path) -> None:
        add_program(root)
        forge(root, lambda data: change(data["stages"][0]["program"]))

    return build


for _title, (_change, _culprit) in FORGED.items():
    ATTACKS[_title] = Attack(_forged(_change), BundleFormatError, _culprit)


@attack(BundleFormatError, "NaN")
def program_shifted_by_nan(root: Path) -> None:
    add_program(root)
    forge(root, lambda data: data["stages"][0]["program"].update(frame_shift=float("nan")))


@attack(BundleFormatError, "'main' is allowed in a bundle of one stage alone that segments")
def program_in_a_bundle_of_three_classes(root: Path) -> None:
    add_program(root)
    forge(root, lambda data: data["model"].update(classes=["background", "hole", "stain"]))


@attack(BundleIntegrityError, f"'{WEIGHTS_FILE}' is missing")
def program_whose_weights_are_missing(root: Path) -> None:
    add_program(root)
    (root / WEIGHTS_FILE).unlink()


@attack(BundleIntegrityError, f"'{WEIGHTS_FILE}' is damaged")
def program_with_a_flipped_weight(root: Path) -> None:
    add_program(root)
    raw = bytearray((root / WEIGHTS_FILE).read_bytes())
    raw[len(raw) // 2] ^= 1
    (root / WEIGHTS_FILE).write_bytes(raw)


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _members(**others: bytes) -> dict[str, bytes]:
    """The good members, and others in place of those of the same name ("_" stands for ".")."""
    good = {f"{name}.npy": array_bytes(array) for name, array in make_weights().items()}
    return {**good, **{f"{name.replace('_', '.')}.npy": content for name, content in others.items()}}


HOSTILE_WEIGHTS: dict[str, tuple[bytes, str]] = {
    "bomb": (
        _zip(_members(head_bias=array_bytes(np.zeros(1 << 22, np.float32))), zipfile.ZIP_DEFLATED),
        "bytes, and its operations need at most",
    ),
    "small_bomb": (
        _zip(_members(head_bias=array_bytes(np.zeros(1 << 16, np.float32))), zipfile.ZIP_DEFLATED),
        "compressed",
    ),
    "extra_member": (_zip(_members(code=array_bytes(np.zeros(1, np.uint8)))), "holds 'code'"),
    "member_that_is_a_path": (
        _zip({**_members(), "../../../tmp/exploited.npy": array_bytes(np.zeros(1, np.uint8))}),
        "holds '../../../tmp/exploited'",
    ),
    "member_that_is_code": (
        _zip({**_members(), "exploit.py": b"import os"}),
        "'exploit.py', which is no .npy",
    ),
    "missing_array": (
        _zip({name: raw for name, raw in _members().items() if name != "up.bias.npy"}),
        "lacks 'up.bias'",
    ),
    "no_array": (_zip({}), "lacks 'down.bias'"),
    "wrong_shape": (
        _zip(_members(up_weight=array_bytes(np.zeros((2, 1, 3, 3), np.float32)))),
        "'up.weight' as float32 (2, 1, 3, 3), not float32 (2, 2, 3, 3)",
    ),
    "wrong_type": (_zip(_members(up_bias=array_bytes(np.zeros(2, np.int64)))), "'up.bias' as int64"),
    "array_of_terabytes": (
        _zip(_members(up_bias=npy("<f4", "(1000000, 1000000)", b"abcd"))),
        "promises float32 (1000000, 1000000)",
    ),
    "pickled_objects": (
        _zip(_members(up_bias=npy("|O", "(1,)", pickle.dumps([Exploit()])))),
        "holds a member that",
    ),
    "no_archive": (b"\x93NUMPY", "is no .npz file"),
}
"""Bytes of a file of weights, with fitting hashes, and what the refusal names."""
