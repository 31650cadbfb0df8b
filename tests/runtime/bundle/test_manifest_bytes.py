import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from edgekit_runtime.bundle import FileInfo, Manifest
from edgekit_runtime.bundle.manifest_bytes import manifest_bytes, parse_manifest
from edgekit_runtime.errors import BundleFormatError, BundleIntegrityError, BundleSchemaError


@pytest.fixture
def manifest(segment_manifest: Manifest, segment_files: dict[str, bytes]) -> Manifest:
    return replace(segment_manifest, files=dict.fromkeys(segment_files, FileInfo("00" * 32, 1)))


def write(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()


def test_the_manifest_comes_back_with_its_digest(manifest: Manifest) -> None:
    raw = manifest_bytes(manifest)
    assert parse_manifest(raw, "it") == (manifest, json.loads(raw)["digest"])


def test_the_digest_is_the_documented_one(manifest: Manifest) -> None:
    data = json.loads(manifest_bytes(manifest))
    digest = data.pop("digest")
    assert digest == hashlib.sha256(write(data)).hexdigest()


def test_a_plausible_change_without_a_new_digest_is_damage(manifest: Manifest) -> None:
    raw = manifest_bytes(manifest)
    changed = raw.replace(b'"default": 0.0', b'"default": 9.0')
    assert changed != raw
    with pytest.raises(BundleIntegrityError, match="it is damaged"):
        parse_manifest(changed, "it")


@pytest.mark.parametrize("digest", [None, 1, "", "00" * 32])
def test_a_missing_or_other_digest_is_refused(manifest: Manifest, digest: Any) -> None:
    data = {**json.loads(manifest_bytes(manifest)), "digest": digest}
    with pytest.raises(BundleIntegrityError):
        parse_manifest(write(data), "it")
    del data["digest"]
    with pytest.raises(BundleIntegrityError):
        parse_manifest(write(data), "it")


@pytest.mark.parametrize(("schema", "age"), [("edgekit.bundle/3", "newer"), ("edgekit.bundle/1", "older")])
def test_other_versions_are_named_before_anything_else_is_judged(schema: str, age: str) -> None:
    # Neither canonical nor with a digest, and with keys of its own.
    with pytest.raises(BundleSchemaError) as caught:
        parse_manifest(json.dumps({"schema": schema, "tensors": []}).encode(), "it")
    assert f"{age} schema {schema!r}; this release reads 'edgekit.bundle/2'" in caught.value.message


SCHEMAS: list[Any] = [
    *(1, None, "", "edgekit.checkpoint/1", "edgekit.bundle", "edgekit.bundle/", "edgekit.bundle/-1"),
    *("edgekit.bundle/02", "edgekit.bundle/2\n", "edgekit.bundle/١", "edgekit.bundle/2.0"),
    "edgekit.bundle/9999999",
]


@pytest.mark.parametrize(
    "document", [[], 1, None, "edgekit.bundle/2", {}, *({"schema": schema} for schema in SCHEMAS)]
)
def test_other_documents_are_no_manifest(document: Any) -> None:
    with pytest.raises(BundleFormatError, match=r"no schema 'edgekit\.bundle/2'"):
        parse_manifest(json.dumps(document).encode(), "it")


def test_a_manifest_that_no_reader_takes_is_not_written(manifest: Manifest) -> None:
    bad = [
        replace(manifest, name=""),
        replace(manifest, schema="edgekit.bundle/1"),
        replace(manifest, versions={"edgekit": 1}),  # type: ignore[dict-item]
        replace(manifest, provenance=replace(manifest.provenance, training={"loss": float("nan")})),
        replace(manifest, provenance=replace(manifest.provenance, training={"set": {1}})),
    ]
    for broken in bad:
        with pytest.raises(BundleFormatError) as caught:
            manifest_bytes(broken)
        assert caught.value.message.startswith("manifest.json")
        assert "Nothing was written" in caught.value.remedy
