"""What builds hostile bundles: each is a good one with one thing changed by a function named after the attack.

Where a deeper check is the point, the attacker is given what an attacker has: sizes, hashes and digest are made to
fit again (`forge`, `smuggle`), with code of its own rather than the format's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit_runtime.errors import (
    ArtefactRefused,
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
