"""Arrays with fitting hashes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

from edgekit_runtime.errors import (
    BundleFormatError,
)
from tests.attacks.building import attack, smuggle

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
