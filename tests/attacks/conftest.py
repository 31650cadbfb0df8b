"""Hostile bundles: each is a good bundle with one thing changed by a small function, named after the attack.

Where a deeper check is the point, the attacker is given what an attacker has: the hashes and the digest are made to
fit again, with code of its own rather than the format's.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
from collections.abc import Callable, Iterator
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
    """How to build a hostile bundle in place of a good one, and how it must be refused.

    Attributes:
        build: Changes the bundle at the path.
        error: Exact class of the refusal.
        culprit: What the message must name.
        array: Read this array after opening, which must succeed.
    """

    build: Build
    error: type[ArtefactRefused]
    culprit: str
    array: str | None = None


ATTACKS: dict[str, Attack] = {}


def attack(error: type[ArtefactRefused], culprit: str, array: str | None = None) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        ATTACKS[build.__name__] = Attack(build, error, culprit, array)
        return build

    return register


@pytest.fixture(params=sorted(ATTACKS) or ["filled below"])
def hostile(request: pytest.FixtureRequest, segment_bundle: Bundle) -> tuple[Path, Attack]:
    """The path of a hostile bundle, and its attack."""
    chosen = ATTACKS[request.param]
    chosen.build(segment_bundle.path)
    return segment_bundle.path, chosen
