"""Names that leave the bundle; the file is there and its hash is right."""

from __future__ import annotations

from pathlib import Path

from edgekit_runtime.errors import (
    BundleFormatError,
)
from tests.attacks.building import ATTACKS, Attack, Build, attack, forge, smuggle

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
