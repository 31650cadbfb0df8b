"""Bundles of the schema before this one: what the shipped bundle of the first schema was, and hostile ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit_runtime.bundle import Bundle, Manifest, PixelFormat, VerdictRules, write_bundle
from edgekit_runtime.bundle.canonical_json import to_canonical_bytes
from edgekit_runtime.bundle.upgrading import upgrade_bundle
from edgekit_runtime.errors import (
    ArtefactRefused,
    BundleFormatError,
    BundleIntegrityError,
    BundleSchemaError,
    UsageProblem,
)

Change = Callable[[dict[str, Any]], None]


def downgrade(data: dict[str, Any]) -> None:
    """Make data of schema 1 of data of schema 2."""
    contract = data["input"]
    pixels = contract.pop("pixels")
    contract.update({name: pixels[name] for name in ("channels", "bits", "scale")}, dtype="uint8")
    del contract["overlap"], contract["reach"], data["rules"], data["tuning"]
    data["schema"] = "edgekit.bundle/1"


def rewrite(bundle: Path, change: Change) -> None:
    path = bundle / "manifest.json"
    data = json.loads(path.read_bytes())
    change(data)
    del data["digest"]
    data["digest"] = hashlib.sha256(to_canonical_bytes(data)).hexdigest()
    path.write_bytes(to_canonical_bytes(data))


@pytest.fixture
def old(tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]) -> Path:
    """A good bundle of the previous schema."""
    path = tmp_path / "old.edgekit"
    write_bundle(path, segment_manifest, segment_files)
    rewrite(path, downgrade)
    return path


def test_an_old_bundle_is_refused_naming_the_command_that_helps(old: Path) -> None:
    with pytest.raises(BundleSchemaError, match=r"older schema 'edgekit\.bundle/1'") as caught:
        Bundle.open(old)
    assert "edgekit upgrade BUNDLE --out NEW.edgekit" in caught.value.remedy


def test_an_upgraded_bundle_is_the_old_one_with_what_the_old_release_did(
    old: Path, tmp_path: Path, segment_manifest: Manifest
) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    new = upgrade_bundle(old, tmp_path / "new.edgekit")
    wanted = replace(
        segment_manifest,
        input=replace(segment_manifest.input, pixels=PixelFormat(), reach=None),
        rules=VerdictRules(),
    )
    assert replace(new.manifest, files={}) == replace(wanted, files={})
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before
    for name in new.manifest.files:
        assert new.read(name) == (old / name).read_bytes()


def test_a_bundle_never_changes(old: Path, tmp_path: Path) -> None:
    (tmp_path / "link.edgekit").symlink_to(old)
    for target in (old, tmp_path / "nowhere" / ".." / "old.edgekit"):
        with pytest.raises(UsageProblem):
            upgrade_bundle(tmp_path / "link.edgekit", target)
    assert json.loads((old / "manifest.json").read_bytes())["schema"] == "edgekit.bundle/1"


@pytest.mark.parametrize(
    ("version", "remedy"), [(2, "use the bundle as it is"), (0, "step by step"), (3, "or a later one")]
)
def test_other_schemas_are_named(old: Path, tmp_path: Path, version: int, remedy: str) -> None:
    rewrite(old, lambda data: data.update(schema=f"edgekit.bundle/{version}"))
    with pytest.raises(BundleSchemaError, match=rf"edgekit\.bundle/{version}") as caught:
        upgrade_bundle(old, tmp_path / "new.edgekit")
    assert remedy in caught.value.remedy
    assert not (tmp_path / "new.edgekit").exists()


HOSTILE: dict[str, tuple[type[ArtefactRefused], Change]] = {
    "no input": (BundleFormatError, lambda data: data.pop("input")),
    "input is a list": (BundleFormatError, lambda data: data.update(input=[["channels", "grey"]])),
    "no scale": (BundleFormatError, lambda data: data["input"].pop("scale")),
    "scale is text": (BundleFormatError, lambda data: data["input"].update(scale="255")),
    "keys of both schemas": (BundleFormatError, lambda data: data["input"].update(grey="bt601")),
    "a rule of the format": (BundleFormatError, lambda data: data["input"].update(height=0)),
    "another file's hash": (
        BundleIntegrityError,
        lambda data: data["files"]["main.onnx"].update(sha256="0" * 64),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_good_old_bundle_is_not_upgraded(old: Path, tmp_path: Path, name: str) -> None:
    error, change = HOSTILE[name]
    rewrite(old, change)
    with pytest.raises(error):
        upgrade_bundle(old, tmp_path / "new.edgekit")
    assert not (tmp_path / "new.edgekit").exists()


def test_a_damaged_manifest_is_not_upgraded(old: Path, tmp_path: Path) -> None:
    path = old / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"name": "plain"', b'"name": "plane"'))
    with pytest.raises(BundleIntegrityError, match="damaged"):
        upgrade_bundle(old, tmp_path / "new.edgekit")


def test_only_a_bundle_is_replaced(old: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.edgekit").write_text("mine")
    with pytest.raises(UsageProblem, match="a file"):
        upgrade_bundle(old, tmp_path / "notes.edgekit")
