"""The manifest as bytes: its schema, its digest, and the order in which it is judged.

The manifest vouches for every other file by size and SHA-256; its own key "digest" is the SHA-256 of its
canonical bytes without that key. So a flipped byte anywhere in a bundle is found, also in a number that would
still make sense, such as a threshold. This finds damage, not a forger: whoever rewrites a bundle can rewrite
the digest as well. Against forgers there are signatures.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from edgekit_runtime.bundle.canonical_json import (
    JsonError,
    parse_json,
    require_canonical,
    to_canonical_bytes,
)
from edgekit_runtime.bundle.checks import find_manifest_fault
from edgekit_runtime.bundle.decoding import DecodingError, decode, encode
from edgekit_runtime.bundle.manifest import SCHEMA_NAME, SCHEMA_VERSION, Manifest
from edgekit_runtime.bundle.names import MANIFEST_FILE
from edgekit_runtime.errors import ArtefactRefused, BundleFormatError, BundleIntegrityError, BundleSchemaError

_DIGEST = "digest"
_WRITER_REMEDY = "Nothing was written: mend what the message names, then export again."
_SCHEMA = re.compile(r"([a-z.]{1,40})/([1-9]\d{0,5}|0)", re.ASCII)


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the bytes of manifest.json, digest included.

    Raises:
        BundleFormatError: If the manifest breaks a rule that a reader would refuse it for.
    """
    try:
        data = encode(manifest)
        data[_DIGEST] = _compute_digest(data)
        raw = to_canonical_bytes(data)
        parse_manifest(raw, MANIFEST_FILE)
    except JsonError as error:
        raise BundleFormatError(f"{MANIFEST_FILE} {error}.", remedy=_WRITER_REMEDY) from error
    except ArtefactRefused as error:
        raise BundleFormatError(error.message, remedy=_WRITER_REMEDY) from error
    return raw


def parse_manifest(raw: bytes, place: str) -> tuple[Manifest, str]:
    """Return the manifest and its digest.

    The schema is judged first: a manifest of a newer release may have keys, types or a byte form that this
    release does not know, and "newer" is the answer that helps.

    Args:
        raw: Bytes of manifest.json.
        place: Where they come from, for messages.

    Raises:
        BundleSchemaError: If a release with another schema wrote it.
        BundleIntegrityError: If the digest is not that of the content.
        BundleFormatError: If it breaks any other rule of the format.
    """
    data, digest = parse_data(raw, place, version=SCHEMA_VERSION)
    return build_manifest(data, place), digest


def parse_data(raw: bytes, place: str, *, version: int) -> tuple[dict[str, Any], str]:
    """Return a manifest of one version of the schema as JSON data, and its digest; as `parse_manifest` otherwise."""
    try:
        data = parse_json(raw)
        _check_schema(data, place, version)
        require_canonical(raw, data)
    except JsonError as error:
        raise BundleFormatError(f"{place} {error}.") from error
    digest = data.pop(_DIGEST, None)
    if digest != _compute_digest(data):
        raise BundleIntegrityError(f"{place} is damaged: its content does not have the digest that it names.")
    return data, digest


def build_manifest(data: dict[str, Any], place: str) -> Manifest:
    """Return the manifest of JSON data of this release's schema.

    Raises:
        BundleFormatError: If they break a rule of the format.
    """
    try:
        manifest = decode(Manifest, data, "manifest")
    except DecodingError as error:
        raise BundleFormatError(f"{place}: {error}.") from error
    fault = find_manifest_fault(manifest)
    if fault is not None:
        raise BundleFormatError(f"{place}: {fault}.")
    return manifest


def _compute_digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(to_canonical_bytes(data)).hexdigest()


def _check_schema(data: Any, place: str, wanted: int) -> None:
    schema = data.get("schema") if isinstance(data, dict) else None
    match = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    known = f"{SCHEMA_NAME}/{wanted}"
    if match is None or match[1] != SCHEMA_NAME:
        raise BundleFormatError(f"{place} has no schema {known!r}; so this is no manifest of a bundle.")
    version = int(match[2])
    if version != wanted:
        raise BundleSchemaError(
            f"{place} has the {'newer' if version > wanted else 'older'} schema {schema!r}; "
            f"this release {'reads' if wanted == SCHEMA_VERSION else 'upgrades'} {known!r}.",
            remedy=_advise(version),
        )


def _advise(version: int) -> str | None:
    """Return what helps with a bundle of another schema; None for the general advice, a later release."""
    if version > SCHEMA_VERSION:
        return None
    if version == SCHEMA_VERSION:
        return "Nothing is to be upgraded: use the bundle as it is."
    if version == SCHEMA_VERSION - 1:
        return "Write it anew with `edgekit upgrade BUNDLE --out NEW.edgekit`, or export it anew."
    return "Export it anew with this release, or upgrade it step by step with the releases between."
