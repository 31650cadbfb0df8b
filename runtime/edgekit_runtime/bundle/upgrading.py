"""A bundle of this release's schema from one of the schema before it.

The old bundle is read and checked as its own release did: its manifest's digest, its files' hashes. Every other file is
taken over byte by byte. What the new schema adds is filled in with what the old release did, so that the new bundle
answers as the old one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.bundle.manifest import SCHEMA_NAME, SCHEMA_VERSION, Manifest
from edgekit_runtime.bundle.manifest_bytes import build_manifest, parse_data
from edgekit_runtime.bundle.reader import Bundle, open_bundle
from edgekit_runtime.bundle.rules import VerdictRules
from edgekit_runtime.bundle.writer import check_other_place, write_bundle
from edgekit_runtime.errors import BundleFormatError

PREVIOUS = SCHEMA_VERSION - 1


def upgrade_bundle(source: str | Path, target: str | Path) -> Bundle:
    """Write a bundle of the previous schema as one of this release's; the old one stays as it is.

    Args:
        source: The old bundle.
        target: `NAME.edgekit`, elsewhere; a bundle that is there is replaced, in one step.

    Returns:
        The new bundle.

    Raises:
        UsageProblem: If there is no bundle, or the target is that very bundle or no place for one.
        BundleSchemaError: If its schema is not the previous one.
        ArtefactRefused: If the bundle is damaged or does not hold what it claims.
        IoFault: If the disk or the permissions fail; the target is as it was.
    """
    check_other_place(Path(source), Path(target))
    old = open_bundle(source, _parse_previous, verify=False)  # every file is verified as it is read
    return write_bundle(target, old.manifest, {name: old.read(name) for name in old.manifest.files})


def _parse_previous(raw: bytes, place: str) -> tuple[Manifest, str]:
    data, digest = parse_data(raw, place, version=PREVIOUS)
    try:
        upgraded = _upgrade(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleFormatError(f"{place} does not have the form of {SCHEMA_NAME}/{PREVIOUS}.") from error
    return build_manifest(upgraded, place), digest


def _upgrade(old: dict[str, Any]) -> dict[str, Any]:
    """Return the data of schema 2 from those of schema 1, which knew grey levels and sizes, but no rules."""
    contract = dict(old["input"])
    pixels = {name: contract.pop(name) for name in ("channels", "bits", "scale")}
    contract.pop("dtype")  # follows from the bits
    return {
        **old,
        "schema": f"{SCHEMA_NAME}/{SCHEMA_VERSION}",
        "input": {**contract, "pixels": {**pixels, "grey": "equal"}, "overlap": 0, "reach": None},
        "rules": encode(VerdictRules()),
    }
