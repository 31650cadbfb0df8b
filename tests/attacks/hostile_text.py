"""Manifests that are no manifests."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

from edgekit_runtime.errors import (
    BundleFormatError,
    BundleIntegrityError,
    BundleSchemaError,
)
from tests.attacks.building import attack, edit_text, forge


@attack(BundleFormatError, "is not JSON")
def manifest_that_is_not_json(root: Path) -> None:
    (root / "manifest.json").write_bytes(b"schema = edgekit.bundle/2\n")


@attack(BundleFormatError, "is not UTF-8")
def manifest_that_is_a_pickle(root: Path) -> None:
    (root / "manifest.json").write_bytes(pickle.dumps({"schema": "edgekit.bundle/2"}))


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


@attack(BundleSchemaError, "newer schema 'edgekit.bundle/3'; this release reads 'edgekit.bundle/2'")
def newer_schema_with_keys_of_its_own(root: Path) -> None:
    forge(root, lambda data: data.update(schema="edgekit.bundle/3", unknown={"more": 1}))


@attack(BundleFormatError, "no schema 'edgekit.bundle/2'")
def schema_of_another_document(root: Path) -> None:
    forge(root, lambda data: data.update(schema="edgekit.checkpoint/1"))
